// SPDX-License-Identifier: Apache-2.0

using System.Text;
using System.Xml;

namespace Liminal.Trace;

/// <summary>Text that may stand in XML 1.0, which has no way to write most control characters.</summary>
internal static class XmlText
{
    /// <summary>The text with U+FFFD for what XML cannot carry: control characters, and halves of surrogate pairs.</summary>
    public static string Of(string text)
    {
        StringBuilder? clean = null;
        for (int i = 0; i < text.Length; i++)
        {
            bool isPair = i + 1 < text.Length && char.IsSurrogatePair(text[i], text[i + 1]);
            if (isPair)
            {
                i++;
                continue;
            }

            if (!XmlConvert.IsXmlChar(text[i]) || text[i] == '\r')
                (clean ??= new StringBuilder(text))[i] = '\uFFFD';
        }

        return clean?.ToString() ?? text;
    }
}
