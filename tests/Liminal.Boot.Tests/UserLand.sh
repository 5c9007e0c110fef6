# Runs a few hundred commands and checks what each of them says. The last line counts.
passed=0
failed=0

# check WHAT EXPECTED ACTUAL
check() {
    if [ "$2" = "$3" ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "wrong: $1: expected '$2', got '$3'"
    fi
}

cd /tmp

# Arithmetic, by the shell and by programs.
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    check "expr $i" "$((i * i - i))" "$(expr $i '*' $i - $i)"
    check "awk $i" "$((i * 1000 / 7))" "$(awk "BEGIN { print int($i * 1000 / 7) }")"
done

# Pipes.
check "pipe" "5050" "$(seq 1 100 | awk '{ sum += $1 } END { print sum }')"
check "long pipe" "C" "$(echo abc | rev | cut -c1 | tr a-z A-Z | cat | cat | cat)"
check "sort" "1 2 3 10" "$(printf '10\n3\n1\n2\n' | sort -n | tr '\n' ' ' | sed 's/ $//')"
check "unique" "3" "$(printf 'a\nb\na\nc\nb\n' | sort | uniq | wc -l)"
check "a megabyte through a pipe" "1048576" "$(dd if=/dev/zero bs=64k count=16 2> /dev/null | wc -c)"

# Files and directories.
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    mkdir -p "tree/$i"
    echo "file $i" > "tree/$i/text"
    check "read back $i" "file $i" "$(cat "tree/$i/text")"
    ln -s "$i/text" "tree/link$i"
    check "link $i" "file $i" "$(cat "tree/link$i")"
    cp "tree/$i/text" "tree/$i/copy"
    check "compare $i" "0" "$(cmp "tree/$i/text" "tree/$i/copy" > /dev/null; echo $?)"
done
check "find" "40" "$(find tree -type f | wc -l)"
rm -r tree
check "removed" "no" "$([ -e tree ] && echo yes || echo no)"
dd if=/dev/urandom of=random bs=4096 count=16 2> /dev/null
check "checksum of a copy" "$(sha256sum < random)" "$(cat random | sha256sum)"
check "sha256" "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" "$(printf abc | sha256sum | cut -d' ' -f1)"
check "md5" "900150983cd24fb0d6963f7d28e17f72" "$(printf abc | md5sum | cut -d' ' -f1)"
gzip -c random > random.gz
check "gzip and back" "$(md5sum < random)" "$(gunzip -c random.gz | md5sum)"
tar cf archive.tar random
check "tar" "random" "$(tar tf archive.tar)"
chmod 640 random
check "mode" "640" "$(stat -c %a random)"
check "size" "65536" "$(stat -c %s random)"

# Processes and signals.
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    (exit "$i")
    check "exit status $i" "$i" "$?"
done
sleep 1000 &
child=$!
kill "$child"
wait "$child"
check "killed by TERM" "143" "$?"
sleep 1000 &
child=$!
kill -KILL "$child"
wait "$child"
check "killed by KILL" "137" "$?"
trap 'caught=yes' USR1
kill -USR1 $$
check "trap" "yes" "$caught"
for i in 1 2 3 4 5 6 7 8; do
    (sleep 0.0$i; echo "$i" >> order) &
done
wait
check "eight children" "8" "$(wc -l < order)"
check "time-out" "143" "$(timeout 0.1 sleep 1000; echo $?)"
check "parent" "$$" "$(sh -c 'echo $PPID')"
check "division by zero is reported" "1" "$(awk 'BEGIN { print 1 / 0 }' 2>&1 | grep -c -i division)"

# Memory: a large mapping written and read by a program, and what the kernel says.
check "large string" "262144" "$(awk 'BEGIN { s = "x"; while (length(s) < 262144) s = s s; print length(s) }')"
check "sorting in memory" "5000" "$(seq 1 5000 | sort -r -n | head -1)"
check "kernel's name" "Linux" "$(uname -s)"
check "machine" "x86_64" "$(uname -m)"
check "user" "0" "$(id -u)"
check "mounted" "1" "$(grep -c ' /proc proc ' /proc/mounts)"
check "processors" "$(grep -c ^processor /proc/cpuinfo)" "$(nproc)"
check "no warning from the kernel" "0" "$(dmesg | grep -c -e 'WARNING:' -e 'BUG:' -e 'Oops')"

echo "processors: $(nproc)"
echo "checks: $passed passed, $failed failed"
[ "$failed" = 0 ]
