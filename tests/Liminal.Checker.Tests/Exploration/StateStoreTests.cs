// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;
using System.Threading;
using CsCheck;
using Liminal.Checker.Exploration;
using Liminal.Checker.Model;

namespace Liminal.Checker.Tests.Exploration;

public sealed class StateStoreTests
{
    private static readonly Gen<int[]> Keys = Gen.Int[0, 5000].Array[0, 20_000];

    [Fact]
    public void It_holds_exactly_the_states_that_were_added() => Keys.Sample(
        keys =>
        {
            using StateStore store = new();
            StateStore.Reservation reservation = StateStore.Reservation.None;
            HashSet<int> expected = [];
            foreach (int key in keys)
            {
                store.Grow(1);
                Assert.Equal(expected.Add(key), store.Add(StateOf(key), ref reservation));
            }

            store.Release(ref reservation);
            Assert.Equal(expected.Count, store.Count);
        },
        seed: "0000000000001",
        iter: 50);

    [Fact]
    public void Two_threads_that_add_the_same_states_leave_each_of_them_once()
    {
        using StateStore store = new();
        store.Grow(300_000);
        int added = 0;
        Thread[] threads = [new(Add), new(Add)];
        foreach (Thread thread in threads)
            thread.Start();

        foreach (Thread thread in threads)
            thread.Join();

        HashSet<ModelState> found = [];
        for (long i = 0; i < store.Positions; i++)
        {
            if (!store.IsHole(i))
                Assert.True(found.Add(store.At(i)));
        }

        Assert.Equal(100_000, added);
        Assert.Equal(100_000, store.Count);
        Assert.Equal(100_000, found.Count);

        void Add()
        {
            StateStore.Reservation reservation = StateStore.Reservation.None;
            for (int i = 0; i < 100_000; i++)
            {
                if (store.Add(StateOf(i), ref reservation))
                    Interlocked.Increment(ref added);
            }

            store.Release(ref reservation);
        }
    }

    [Fact]
    public void A_state_is_64_bytes_and_holds_no_references()
    {
        Assert.Equal(ModelState.Size, System.Runtime.CompilerServices.Unsafe.SizeOf<ModelState>());
        Assert.False(System.Runtime.CompilerServices.RuntimeHelpers.IsReferenceOrContainsReferences<ModelState>());
    }

    private static ModelState StateOf(int key)
    {
        ModelState state = default;
        state.Pages[0].State = (byte)key;
        state.Ptes[11] = (byte)(key >> 8);
        state.Converters[1].Pc = (ushort)(key >> 16);
        return state;
    }
}
