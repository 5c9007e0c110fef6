// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Xml.Linq;
using Liminal.Testing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Liminal.Architecture.Tests.Code;

/// <summary>A C# file of the repository.</summary>
/// <param name="Name">Path relative to the root, with forward slashes.</param>
/// <param name="Text">What it holds.</param>
internal sealed record SourceFile(string Name, string Text)
{
    /// <summary>The syntax tree, with comments.</summary>
    public SyntaxNode Syntax => CSharpSyntaxTree.ParseText(Text).GetRoot();

    /// <summary>"FILE(LINE)" of a place in the file, as compilers write it.</summary>
    public string At(Location place) => $"{Name}({place.GetLineSpan().StartLinePosition.Line + 1})";
}

/// <summary>A project under src/.</summary>
/// <param name="Name">Folder and project name, such as Liminal.Memory.</param>
/// <param name="Xml">The project file.</param>
internal sealed record SourceProject(string Name, XDocument Xml)
{
    /// <summary>The name without "Liminal.".</summary>
    public string ShortName => Name["Liminal.".Length..];

    /// <summary>Loads the compiled assembly that the tests were built with.</summary>
    public Assembly Assembly => Assembly.Load(Xml.Descendants("AssemblyName").SingleOrDefault()?.Value ?? Name);

    /// <summary>True when the project file allows pointers.</summary>
    public bool AllowsUnsafe => Xml.Descendants("AllowUnsafeBlocks").Any(element => element.Value == "true");

    /// <summary>Short names of the projects that the project file references.</summary>
    public IEnumerable<string> References => Xml.Descendants("ProjectReference")
        .Select(reference => Path.GetFileNameWithoutExtension(reference.Attribute("Include")!.Value)["Liminal.".Length..]);
}

/// <summary>What the rules look at: the C# files and projects of the repository.</summary>
internal static class SourceTree
{
    private static readonly string[] Tops = ["src", "tests", "bench", "samples"];

    /// <summary>Every C# file, in ordinal order of names.</summary>
    public static IEnumerable<SourceFile> Files => Tops
        .Select(Repository.PathOf)
        .Where(Directory.Exists)
        .SelectMany(top => Directory.GetFiles(top, "*.cs", SearchOption.AllDirectories))
        .Order()
        .Select(file => new SourceFile(Repository.NameOf(file), File.ReadAllText(file)));

    /// <summary>Every project under src/, in ordinal order of names.</summary>
    public static IEnumerable<SourceProject> Projects => Directory.GetDirectories(Repository.PathOf("src"))
        .Order()
        .Select(folder => Path.GetFileName(folder)!)
        .Select(name => new SourceProject(name, XDocument.Load(Repository.PathOf($"src/{name}/{name}.csproj"))));
}
