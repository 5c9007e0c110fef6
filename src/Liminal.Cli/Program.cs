// SPDX-License-Identifier: Apache-2.0

using System.CommandLine;

var root = new RootCommand("What happens in the moment when a page of a confidential VM is neither private nor shared.");

return root.Parse(args).Invoke();
