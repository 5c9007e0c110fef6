// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.Linq;
using System.Reflection;

namespace Liminal.Architecture.Tests.Code;

public sealed class StaticStateTests
{
    private const BindingFlags Statics = BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;

    [Fact]
    public void No_static_field_can_be_assigned_after_its_type_is_loaded()
    {
        Assert.Empty(
            from field in StaticFields()
            where !field.IsLiteral && !field.IsInitOnly
            select NameOf(field));
    }

    [Fact]
    public void No_static_field_holds_a_collection_that_can_change()
    {
        Assert.Empty(
            from field in StaticFields()
            where CanChange(field.FieldType) || (field.FieldType.IsArray && !field.IsPrivate)
            select NameOf(field));
    }

    private static IEnumerable<FieldInfo> StaticFields() =>
        from project in SourceTree.Projects
        from type in project.Assembly.GetTypes()
        where !IsMadeByTheCompiler(type.FullName!)
        from field in type.GetFields(Statics)
        where !IsMadeByTheCompiler(field.Name)
        select field;

    // Caches of lambdas, array constants, regular expressions; not the fields behind properties.
    private static bool IsMadeByTheCompiler(string name) =>
        (name.Contains('<') && !name.EndsWith("k__BackingField"))
        || name.StartsWith("System.Text.RegularExpressions.Generated");

    private static bool CanChange(Type type) =>
        type.Namespace is "System.Collections.Generic" or "System.Collections.Concurrent" or "System.Text" && type.IsClass;

    private static string NameOf(FieldInfo field) => $"{field.DeclaringType!.FullName}.{field.Name}";
}
