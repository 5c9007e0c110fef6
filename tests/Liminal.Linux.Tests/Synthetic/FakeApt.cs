// SPDX-License-Identifier: Apache-2.0

using System;
using System.IO;
using System.Security.Cryptography;

namespace Liminal.Linux.Tests.Synthetic;

/// <summary>Two scripts that answer as apt-get and apt-cache do, for one package; the real ones need a network.</summary>
internal sealed class FakeApt
{
    public FakeApt(TemporaryFolder folder)
    {
        Folder = Directory.CreateDirectory(Path.Combine(folder.Path, "apt")).FullName;
        Script("apt-cache", "case \"$*\" in *search*) cat search.txt ;; *show*) cat show.txt ;; esac");
        Script("apt-get", "case \"$*\" in *download*) echo dlstatus:1:50.0000:Retrieving; cp package.deb \"$here/package.deb\" ;; *indextargets*) cat targets.txt ;; *print-uris*) ;; *update*) touch updated ;; esac");
        File.WriteAllText(Path.Combine(Folder, "targets.txt"), "");
        File.WriteAllText(Path.Combine(Folder, "search.txt"), "");
    }

    /// <summary>For the search path.</summary>
    public string Folder { get; }

    public bool WasUpdated => File.Exists(Path.Combine(Folder, "updated"));

    /// <summary>Offers a package, with a meta-package and others that do not fit beside it.</summary>
    public void Offer(SyntheticPackage package, string? sha256 = null)
    {
        byte[] file = package.Write();
        File.WriteAllBytes(Path.Combine(Folder, "package.deb"), file);
        File.WriteAllText(
            Path.Combine(Folder, "search.txt"),
            $"linux-image-6.99-cloud-amd64 - meta-package\n{package.Name} - Linux\n{package.Name}-dbg - debug symbols\nlinux-image-6.99.1-rt-amd64 - other flavour\n");
        File.WriteAllText(
            Path.Combine(Folder, "show.txt"),
            $"""
             Package: {package.Name}
             Version: {package.Version}
             Description: first line
              second line
             Size: {file.Length}
             SHA256: {sha256 ?? Convert.ToHexStringLower(SHA256.HashData(file))}

             Package: {package.Name}
             Version: 6.99.1-1~older
             Size: 1
             SHA256: 00

             """);
    }

    /// <summary>Replaces what a command does. The script runs in <see cref="Folder"/>; $here is where it was called.</summary>
    public void Script(string name, string body)
    {
        string path = Path.Combine(Folder, name);
        File.WriteAllText(path, $"#!/bin/sh\nhere=$PWD\ncd '{Folder}' || exit 9\n{body}\n");
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }
}
