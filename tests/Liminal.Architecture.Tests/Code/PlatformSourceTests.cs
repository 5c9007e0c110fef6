// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Xml.Linq;

namespace Liminal.Architecture.Tests.Code;

public sealed class PlatformSourceTests
{
    /// <summary>Types that decide nothing themselves, with the reason.</summary>
    private static readonly Dictionary<string, string> DecidesNothing = new()
    {
        ["Liminal.Platform.AccessResolution"] = "chains rules, each of which carries its source",
        ["Liminal.Platform.OperationResolution"] = "likewise",
        ["Liminal.Platform.PageChange"] = "composes changes",
        ["Liminal.Platform.Platforms"] = "lists the platforms",
        ["Liminal.Platform.Reference.PlatformReference"] = "prints rules with their sources",
        ["Liminal.Platform.Reference.RuleReference"] = "likewise",
    };

    [Fact]
    public void Every_type_of_the_rulebook_that_decides_something_names_its_source()
    {
        Assembly platform = Assembly.Load("Liminal.Platform");
        Dictionary<string, XElement> documented = XDocument.Load(Path.ChangeExtension(platform.Location, ".xml"))
            .Descendants("member")
            .ToDictionary(member => member.Attribute("name")!.Value);

        IEnumerable<string> withoutSource =
            from type in platform.GetExportedTypes()
            where Decides(type)
            let name = type.FullName!.Replace('+', '.')
            where !DecidesNothing.ContainsKey(name)
            where !documented.Any(member => IsOf(name, member.Key) && member.Value.ToString().Contains("Source:"))
            select name;

        Assert.Empty(withoutSource);
    }

    // Interfaces, abstract bases, enumerations and records without methods are vocabulary. (A static class is abstract and sealed.)
    private static bool Decides(Type type) =>
        !type.IsEnum && (!type.IsAbstract || type.IsSealed) && type
            .GetMethods(BindingFlags.Public | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly)
            .Any(method => !method.IsSpecialName && !IsOfEveryRecord(method));

    private static bool IsOfEveryRecord(MethodInfo method) =>
        method.Name is "ToString" or "GetHashCode" or "Equals" or "Deconstruct" or "<Clone>$";

    // "T:Liminal.Platform.Rmp" and "M:Liminal.Platform.Rmp.Validate(System.Int32)" are of Liminal.Platform.Rmp.
    private static bool IsOf(string type, string member) =>
        member[2..] == type || member[2..].StartsWith(type + ".");
}
