#!/bin/sh
# Loads and unloads the module many times, used in between; refuses to unload what is in use.
#   load.sh MODULE TIMES    in the folder of the programs
module=$1
failures=0

check() {
	if [ "$1" = 0 ]; then
		echo "ok - $2"
	else
		echo "not ok - $2"
		failures=$((failures + 1))
	fi
}

rmmod emucxl
check $? "unloaded"
bad=0
for i in $(seq "$2"); do
	insmod "$module" remote_mb=64 || bad=1
	[ $((i % 10)) != 0 ] || : <>/dev/emucxl || bad=1
	rmmod emucxl || bad=1
done
check $bad "loaded and unloaded $2 times"

insmod "$module" remote_mb=64 local_mb=32
check "$([ "$(cat /sys/class/misc/emucxl/node1/capacity)" = 67108864 ]; echo $?)" "remote_mb"
check "$([ "$(cat /sys/class/misc/emucxl/node0/capacity)" = 33554432 ]; echo $?)" "local_mb"
exec 9<>/dev/emucxl
rmmod emucxl 2>/dev/null
check "$([ $? != 0 ]; echo $?)" "not unloaded while a file is open"
./device hold 9>&- &
until [ "$(cat /sys/class/misc/emucxl/objects)" = 1 ]; do
	sleep 0.1
done
exec 9>&-
rmmod emucxl 2>/dev/null
check "$([ $? != 0 ]; echo $?)" "nor while memory is mapped, and no file open"
kill $!
wait $!
rmmod emucxl
check $? "unloaded once it is unmapped"

# The last mapping goes at any moment of an unloading.
bad=0
times=$(($2 / 4))
for i in $(seq $times); do
	insmod "$module" || bad=1
	./device hold &
	sleep 0.0$((i % 10))
	kill -9 $!
	until rmmod emucxl 2>/dev/null; do
		:
	done
	wait $!
done
check $bad "unloaded $times times while a process that has memory is killed"

for words in node_mb=x remote_mb=-1; do
	insmod "$module" $words 2>/dev/null
	check "$([ $? != 0 ]; echo $?)" "refuses $words"
done
insmod "$module" unknown=1 node_mb=16,8 user_mb=4 # the kernel passes over what no module knows
check $? "loaded with other parameters"
check "$([ "$(cat /sys/class/misc/emucxl/node1/capacity)" = 8388608 ]; echo $?)" "node_mb"
check "$([ "$(cat /sys/class/misc/emucxl/user_limit)" = 4194304 ]; echo $?)" "user_mb"
rmmod emucxl
insmod "$module"
check $? "loaded again"
echo "# $failures failed"
exit $failures
