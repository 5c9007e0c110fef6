// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Runtime.Loader;
using Liminal.Checker.Vocabulary;
using Liminal.Cli.CommandLine;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Emit;

namespace Liminal.Cli.ProtocolFiles;

/// <summary>A place in a protocol file that holds protocols.</summary>
/// <param name="TypeName">Name of the declaring type for reflection.</param>
/// <param name="Name">Name of the property or field.</param>
/// <param name="Line">Line of the file, from 1.</param>
internal sealed record ProtocolMember(string TypeName, string Name, int Line);

/// <summary>A protocol file after compilation; nothing of it has run.</summary>
/// <param name="Assembly">The code, loaded.</param>
/// <param name="Members">Where the protocols are, in the order of the file; at least one.</param>
internal sealed record CompiledProtocolFile(Assembly Assembly, IReadOnlyList<ProtocolMember> Members);

/// <summary>Compiles one C# file in memory against Liminal and the framework that run this process.</summary>
internal static class ProtocolCompiler
{
    private const int MostErrorsTold = 10;

    private const string ImplicitUsings = """
        global using System;
        global using System.Collections.Generic;
        global using Liminal.Checker.Vocabulary;
        """;

    /// <summary>Assemblies a protocol may use: the framework, and Liminal as far as protocols are concerned.</summary>
    private static readonly string[] Offered =
        ["Liminal.Checker", "Liminal.Memory", "Liminal.Platform", "Liminal.Protocols", "Liminal.Trace", "netstandard", "mscorlib", "Microsoft.CSharp"];

    /// <summary>Compiles and loads.</summary>
    /// <exception cref="CommandFailure">LIM2004 with the compiler's errors, LIM2005 when there is no protocol.</exception>
    public static CompiledProtocolFile Compile(string path, string text)
    {
        CSharpParseOptions language = new(LanguageVersion.CSharp14);
        SyntaxTree file = CSharpSyntaxTree.ParseText(text, language, path);
        CSharpCompilation compilation = CSharpCompilation.Create(
            "protocol-file",
            [file, CSharpSyntaxTree.ParseText(ImplicitUsings, language)],
            References(),
            new CSharpCompilationOptions(
                OutputKind.DynamicallyLinkedLibrary,
                optimizationLevel: OptimizationLevel.Release,
                nullableContextOptions: NullableContextOptions.Enable));

        using MemoryStream code = new();
        EmitResult result = compilation.Emit(code);
        if (!result.Success)
            throw DoesNotCompile(path, [.. result.Diagnostics.Where(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error)]);

        IReadOnlyList<ProtocolMember> members = FindMembers(path, compilation, file);
        code.Position = 0;
        return new CompiledProtocolFile(new AssemblyLoadContext(path).LoadFromStream(code), members);
    }

    private static IEnumerable<MetadataReference> References() =>
        ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!)
            .Split(Path.PathSeparator)
            .Where(file => IsOffered(Path.GetFileNameWithoutExtension(file)))
            .Select(file => MetadataReference.CreateFromFile(file));

    private static bool IsOffered(string name) =>
        Offered.Contains(name) || name == "System" || (name.StartsWith("System.", StringComparison.Ordinal) && name != "System.CommandLine");

    private static CommandFailure DoesNotCompile(string path, List<Diagnostic> errors)
    {
        IEnumerable<string> lines = errors
            .OrderBy(error => error.Location.SourceSpan.Start)
            .Take(MostErrorsTold)
            .Select(error => Describe(path, error));
        string more = errors.Count > MostErrorsTold ? $", the first {MostErrorsTold} of them above" : "";
        return new CommandFailure("LIM2004", $"{path}: the file does not compile ({Count(errors.Count, "error")}{more}); correct it and try again") { Details = [.. lines] };
    }

    private static string Describe(string path, Diagnostic error)
    {
        FileLinePositionSpan place = error.Location.GetLineSpan();
        return $"{path}({place.StartLinePosition.Line + 1},{place.StartLinePosition.Character + 1}): {error.Id}: {error.GetMessage()}";
    }

    private static List<ProtocolMember> FindMembers(string path, CSharpCompilation compilation, SyntaxTree file)
    {
        List<(ISymbol Symbol, int Line, int Start)> holders = [];
        foreach (ISymbol symbol in AllMembers(compilation.Assembly.GlobalNamespace))
        {
            if (HoldsProtocols(symbol) && symbol.Locations.FirstOrDefault(place => place.SourceTree == file) is Location place)
                holders.Add((symbol, place.GetLineSpan().StartLinePosition.Line + 1, place.SourceSpan.Start));
        }

        List<ProtocolMember> members =
        [
            .. holders
                .Where(holder => holder.Symbol.IsStatic && holder.Symbol.DeclaredAccessibility == Accessibility.Public)
                .OrderBy(holder => holder.Start)
                .Select(holder => new ProtocolMember(ReflectionName(holder.Symbol.ContainingType), holder.Symbol.Name, holder.Line)),
        ];
        if (members.Count > 0)
            return members;

        throw holders.Count == 0
            ? new CommandFailure("LIM2005", $"{path}: it holds no protocol; declare 'public static Protocol NAME => Protocol.Named(...)' in a class")
            : new CommandFailure("LIM2005", $"{path}({holders[0].Line}): {holders[0].Symbol.Name} holds a protocol, but is not public and static; make it both");
    }

    private static IEnumerable<ISymbol> AllMembers(INamespaceOrTypeSymbol parent)
    {
        foreach (ISymbol member in parent.GetMembers())
        {
            if (member is INamespaceOrTypeSymbol inner)
            {
                foreach (ISymbol nested in AllMembers(inner))
                    yield return nested;
            }
            else
            {
                yield return member;
            }
        }
    }

    // A field that the compiler makes for a property, an indexer, and a member of a generic type are nothing a user wrote as a protocol.
    private static bool HoldsProtocols(ISymbol symbol) => symbol switch
    {
        { IsImplicitlyDeclared: true } or { ContainingType.IsGenericType: true } => false,
        IPropertySymbol { IsIndexer: false, GetMethod: not null } property => IsProtocols(property.Type),
        IFieldSymbol field => IsProtocols(field.Type),
        _ => false,
    };

    private static bool IsProtocols(ITypeSymbol type) =>
        IsProtocol(type)
        || (type is IArrayTypeSymbol array && IsProtocol(array.ElementType))
        || type.AllInterfaces.Append(type).OfType<INamedTypeSymbol>().Any(one =>
            one.OriginalDefinition.SpecialType == SpecialType.System_Collections_Generic_IEnumerable_T && IsProtocol(one.TypeArguments[0]));

    private static bool IsProtocol(ITypeSymbol type) =>
        type.Name == nameof(Protocol) && type.ContainingNamespace?.ToDisplayString() == typeof(Protocol).Namespace;

    private static string ReflectionName(INamedTypeSymbol type) =>
        type.ContainingType is INamedTypeSymbol outer ? $"{ReflectionName(outer)}+{type.MetadataName}"
        : type.ContainingNamespace.IsGlobalNamespace ? type.MetadataName
        : $"{type.ContainingNamespace.ToDisplayString()}.{type.MetadataName}";

    private static string Count(int number, string what) => number == 1 ? $"1 {what}" : $"{number} {what}s";
}
