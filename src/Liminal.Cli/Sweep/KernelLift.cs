// SPDX-License-Identifier: Apache-2.0

using System.Linq;
using Liminal.Checker.Vocabulary;
using Liminal.Linux.Image;
using Liminal.Memory;
using Liminal.Platform;
using Liminal.Sweep.Conversions;
using Liminal.Sweep.Lifting;
using Liminal.Sweep.Recording;

namespace Liminal.Cli.Sweep;

/// <summary>Records a conversion in each direction and lifts them into a protocol.</summary>
internal static class KernelLift
{
    private const int Pages = 2;

    /// <summary>The name of the protocol of a kernel on a platform.</summary>
    public static string NameOf(KernelImage image, ConfidentialPlatform platform) =>
        $"observed-{string.Join('.', image.Version.Release.Split('.').Take(2))}-{platform.Name}";

    /// <summary>The protocol.</summary>
    /// <param name="guest">The running kernel.</param>
    /// <param name="image">Its image.</param>
    /// <param name="platform">What it is a guest of.</param>
    /// <param name="problem">Why there is none.</param>
    public static Protocol? Of(SweepGuest guest, KernelImage image, ConfidentialPlatform platform, out string problem)
    {
        if (Record(guest, PteAttribute.Shared, out problem) is not ConversionRecord decrypt || Record(guest, PteAttribute.Private, out problem) is not ConversionRecord encrypt)
            return null;

        return ProtocolLift.Of(NameOf(image, platform), image.Version.Release, platform, decrypt, encrypt);
    }

    private static ConversionRecord? Record(SweepGuest guest, PteAttribute target, out string problem)
    {
        var question = new ConversionQuestion(target, SweepRegion.DirectMap, Pages);
        ConversionRecord? record = guest.Campaign.Record(question, out problem);
        if (record is null or { Result: { HasReturned: true, Error: 0 } })
            return record;

        problem = $"{question.Function}(): {record.Result.Status} {record.Result.Error} {record.Result.Detail}".TrimEnd();
        return null;
    }
}
