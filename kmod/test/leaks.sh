#!/bin/sh
# Fails if the kernel has lost memory of its slabs: kmemleak, in a debug kernel.
leaks=/sys/kernel/debug/kmemleak

# What is new is reported once it was seen twice, some seconds apart.
for _ in 1 2 3; do
	echo scan >$leaks || exit 1
	sleep 6
done
found=$(cat $leaks) # its size is always 0
if [ -n "$found" ]; then
	echo "$found"
	echo 'not ok - no leak'
	echo '# 1 failed'
else
	echo 'ok - no leak'
	echo '# 0 failed'
fi
