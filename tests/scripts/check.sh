# Assertions about commands, for the scripts beside this one, which source it. Each counts as one test;
# a failed one prints the command, what was wanted and what came.
#
# same TEXT COMMAND...    ends with 0 and prints exactly TEXT (both outputs, without the last line break)
# like REGEX COMMAND...   ends with 0 and prints a line that matches REGEX (extended)
# lacks REGEX COMMAND...  ends with 0 and prints no line that matches REGEX
# fails REGEX COMMAND...  ends with another code, and prints a line that matches REGEX
# done_checking NAME      prints the counts; fails when an assertion failed

PASSED=0
FAILED=0
CHECK_SECONDS=60

# Runs a command or a function; sets OUTPUT and STATUS.
run() {
    STATUS=0
    if [ "$(type -t "$1")" = function ]; then
        OUTPUT=$("$@" 2>&1) || STATUS=$?
    else
        OUTPUT=$(timeout "$CHECK_SECONDS" "$@" 2>&1) || STATUS=$?
    fi
}

verdict() {
    local good=$1 wanted=$2
    shift 2
    if [ "$good" = 1 ]; then
        PASSED=$((PASSED + 1))
        return
    fi
    FAILED=$((FAILED + 1))
    echo "FAILED: $*"
    echo "  wanted: $wanted"
    echo "  exit code $STATUS and:"
    head -c 2000 <<<"$OUTPUT" | sed 's/^/    /'
}

same() {
    local text=$1 good=0
    shift
    run "$@"
    if [ "$STATUS" = 0 ] && [ "$OUTPUT" = "$text" ]; then good=1; fi
    verdict $good "exactly: $text" "$@"
}

like() {
    local regex=$1 good=0
    shift
    run "$@"
    if [ "$STATUS" = 0 ] && grep -Eq -- "$regex" <<<"$OUTPUT"; then good=1; fi
    verdict $good "a line like: $regex" "$@"
}

lacks() {
    local regex=$1 good=0
    shift
    run "$@"
    if [ "$STATUS" = 0 ] && ! grep -Eq -- "$regex" <<<"$OUTPUT"; then good=1; fi
    verdict $good "no line like: $regex" "$@"
}

fails() {
    local regex=$1 good=0
    shift
    run "$@"
    if [ "$STATUS" != 0 ] && [ "$STATUS" != 124 ] && grep -Eq -- "$regex" <<<"$OUTPUT"; then good=1; fi
    verdict $good "to fail with a line like: $regex" "$@"
}

done_checking() {
    echo "$1: $PASSED passed, $FAILED failed"
    [ "$FAILED" = 0 ]
}
