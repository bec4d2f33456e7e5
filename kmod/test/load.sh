#!/bin/sh
# Loads and unloads the module many times, used in between; refuses to unload what is in use.
#   load.sh MODULE TIMES
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
exec 9>&-
rmmod emucxl
check $? "unloaded once it is closed"

for words in 'node_mb=x' 'remote_mb=-1' 'unknown=1'; do
	insmod "$module" "$words" 2>/dev/null
	status=$?
	# The kernel ignores a parameter that a module does not know.
	[ "$words" = unknown=1 ] && status=1
	rmmod emucxl 2>/dev/null
	check "$([ $status != 0 ]; echo $?)" "refuses $words, or ignores it"
done
insmod "$module"
check $? "loaded again"
echo "# $failures failed"
exit $failures
