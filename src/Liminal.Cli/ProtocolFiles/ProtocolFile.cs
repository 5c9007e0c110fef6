// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Threading;
using Liminal.Checker.Vocabulary;
using Liminal.Cli.CommandLine;
using Liminal.Platform;

namespace Liminal.Cli.ProtocolFiles;

/// <summary>A user's own protocol: one C# file without a project, in the vocabulary of the built-in ones.</summary>
/// <remarks>
/// Every public static property or field whose type is <see cref="Protocol"/>, or a sequence of them, is taken, in the order of
/// the file. The file is code: it runs in this process, with the rights of whoever started it.
/// </remarks>
internal static class ProtocolFile
{
    private const long MostBytes = 1 << 20;
    private const int MostProtocols = 1000;
    private const int MostSteps = 256;

    /// <summary>How long the initialisers of a file may take, all together.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>Compiles a file and takes the protocols from it.</summary>
    /// <param name="path">The file as the user named it.</param>
    /// <returns>At least one protocol; names are distinct, kebab-case, and every platform named exists.</returns>
    /// <exception cref="CommandFailure">LIM2001 to LIM2009.</exception>
    public static IReadOnlyList<Protocol> Load(string path) => Load(path, Patience);

    /// <summary>As the other, with a time of one's own for the initialisers.</summary>
    internal static IReadOnlyList<Protocol> Load(string path, TimeSpan patience)
    {
        CompiledProtocolFile compiled = ProtocolCompiler.Compile(path, Read(path));
        List<Protocol> protocols = Run(path, compiled, patience);
        foreach (Protocol protocol in protocols)
            Check(path, protocol);

        if (protocols.GroupBy(protocol => protocol.Name, StringComparer.Ordinal).FirstOrDefault(same => same.Count() > 1) is { } twice)
            throw new CommandFailure("LIM2008", $"{path}: {twice.Count()} protocols are named '{twice.Key}'; give each a name of its own");

        return protocols;
    }

    private static string Read(string path)
    {
        try
        {
            if (Directory.Exists(path))
                throw new CommandFailure("LIM2002", $"{path}: it is a directory; name a C# file in it");

            FileInfo file = new(path);
            if (!file.Exists)
                throw new CommandFailure("LIM2001", $"{path}: there is no such file; check the path");

            // Pipes, sockets and devices have no length either; opening one could wait for ever.
            if (LengthOf(file) == 0)
                throw new CommandFailure("LIM2003", $"{path}: it is empty, or not a regular file; name a C# file with a protocol");

            if (LengthOf(file) > MostBytes)
                throw new CommandFailure("LIM2003", $"{path}: {LengthOf(file)} bytes are too many for a protocol (at most {MostBytes}); name a C# file");

            byte[] bytes = File.ReadAllBytes(path);
            if (bytes.Contains((byte)0))
                throw new CommandFailure("LIM2003", $"{path}: it holds binary data; name a C# file in UTF-8");

            using StreamReader text = new(new MemoryStream(bytes), new System.Text.UTF8Encoding(false, throwOnInvalidBytes: true));
            return text.ReadToEnd();
        }
        catch (UnauthorizedAccessException)
        {
            throw new CommandFailure("LIM2002", $"{path}: permission denied; make the file readable");
        }
        catch (IOException problem)
        {
            throw new CommandFailure("LIM2002", $"{path}: it cannot be read: {problem.Message.TrimEnd('.')}; check the path");
        }
        catch (System.Text.DecoderFallbackException)
        {
            throw new CommandFailure("LIM2003", $"{path}: it is not UTF-8 text; save it as UTF-8");
        }
    }

    private static long LengthOf(FileInfo file) => file.ResolveLinkTarget(returnFinalTarget: true) is FileInfo target ? target.Length : file.Length;

    /// <summary>Runs the initialisers on a thread of their own: one that does not come back must not hold up the command.</summary>
    private static List<Protocol> Run(string path, CompiledProtocolFile compiled, TimeSpan patience)
    {
        List<Protocol>? protocols = null;
        CommandFailure? failure = null;
        Thread thread = new(() =>
        {
            try
            {
                protocols = Collect(path, compiled);
            }
            catch (CommandFailure problem)
            {
                failure = problem;
            }
        })
        {
            IsBackground = true,
        };
        thread.Start();
        if (!thread.Join(patience))
            throw new CommandFailure("LIM2007", $"{path}: its protocols are not built after {patience.TotalSeconds} seconds; look for a loop that does not end");

        return failure is null ? protocols! : throw failure;
    }

    private static List<Protocol> Collect(string path, CompiledProtocolFile compiled)
    {
        List<Protocol> protocols = [];
        foreach (ProtocolMember member in compiled.Members)
        {
            object? value = ValueOf(path, compiled.Assembly, member);
            IEnumerable<Protocol?> found = value switch
            {
                Protocol one => [one],
                IEnumerable<Protocol?> several => Enumerate(path, member, several),
                _ => [null],
            };
            foreach (Protocol? protocol in found)
                protocols.Add(protocol ?? throw new CommandFailure("LIM2009", $"{path}({member.Line}): {member.Name} is null; give it a protocol"));
        }

        return protocols;
    }

    private static object? ValueOf(string path, Assembly assembly, ProtocolMember member)
    {
        Type type = assembly.GetType(member.TypeName, throwOnError: true)!;
        try
        {
            return type.GetProperty(member.Name, BindingFlags.Public | BindingFlags.Static) is PropertyInfo property
                ? property.GetValue(null)
                : type.GetField(member.Name, BindingFlags.Public | BindingFlags.Static)!.GetValue(null);
        }
        catch (Exception problem) when (problem is TargetInvocationException or TypeInitializationException)
        {
            throw Threw(path, member, problem);
        }
    }

    private static List<Protocol?> Enumerate(string path, ProtocolMember member, IEnumerable<Protocol?> several)
    {
        try
        {
            List<Protocol?> all = [.. several.Take(MostProtocols + 1)];
            return all.Count <= MostProtocols
                ? all
                : throw new CommandFailure("LIM2007", $"{path}({member.Line}): {member.Name} holds more than {MostProtocols} protocols; split it");
        }
        catch (Exception problem) when (problem is not CommandFailure)
        {
            throw Threw(path, member, problem);
        }
    }

    private static CommandFailure Threw(string path, ProtocolMember member, Exception problem)
    {
        Exception cause = problem;
        while (cause is TargetInvocationException or TypeInitializationException && cause.InnerException is Exception inner)
            cause = inner;

        return new CommandFailure("LIM2006", $"{path}({member.Line}): building {member.Name} throws {cause.GetType().Name}: {cause.Message.TrimEnd('.')}; correct the file");
    }

    private static void Check(string path, Protocol protocol)
    {
        int steps = CountSteps(path, protocol, protocol.DecryptSteps) + CountSteps(path, protocol, protocol.EncryptSteps);
        if (steps > MostSteps)
            throw new CommandFailure("LIM2009", $"{path}: {protocol.Name} has {steps} steps, more than a model holds ({MostSteps}); leave some out");

        if (!IsKebabCase(protocol.Name))
            throw new CommandFailure("LIM2009", $"{path}: '{protocol.Name}' is no name for a protocol; use small letters, digits, dots and hyphens");

        if (protocol.DecryptSteps.Count == 0 && protocol.EncryptSteps.Count == 0)
            throw new CommandFailure("LIM2009", $"{path}: {protocol.Name} has no steps; list them with Decrypt(...), Encrypt(...) or BothDirections(...)");

        IEnumerable<string> known = Platforms.All.Select(platform => platform.Name);
        if (protocol.Platforms.Count == 0)
            throw new CommandFailure("LIM2009", $"{path}: {protocol.Name} runs on no platform; name some with On(...), such as {string.Join(", ", known)}");

        if (protocol.Platforms.FirstOrDefault(name => !known.Contains(name)) is string stranger)
            throw new CommandFailure("LIM2009", $"{path}: {protocol.Name} runs on '{stranger}', which is no platform; {Suggestion.Clause(stranger, known)}there are {string.Join(", ", known)}");

        if (protocol.Regions.Count == 0)
            throw new CommandFailure("LIM2009", $"{path}: {protocol.Name} converts no region; name one with For(...)");
    }

    private static int CountSteps(string path, Protocol protocol, IReadOnlyList<Step> steps)
    {
        int count = steps.Count;
        foreach (Step step in steps)
        {
            if (step.Kind == StepKind.PerBatch && step.BatchPages < 1)
                throw new CommandFailure("LIM2009", $"{path}: {protocol.Name} has a batch of {step.BatchPages} pages; a batch has at least 1");

            count += CountSteps(path, protocol, step.Inner) + CountSteps(path, protocol, step.OnFailure);
        }

        return count;
    }

    private static bool IsKebabCase(string? name) =>
        !string.IsNullOrEmpty(name) && name.Length <= 60 && char.IsAsciiLetterLower(name[0])
        && name.All(letter => char.IsAsciiLetterLower(letter) || char.IsAsciiDigit(letter) || letter is '-' or '.');
}
