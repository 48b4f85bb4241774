#!/bin/sh
# Plays the app of every cassette in cassettes/ at the GMS that GMS_URL names. Leaves in reports/ what was told otherwise,
# as JUnit's XML, and what was recorded. Options are handed on to `gms-replay verify`.
set -u
: "${GMS_URL:?is missing: the GMS to verify, like http://gms.example:8080/genesys}"
mkdir -p reports
# Those of the last run say nothing about this one, which may not come as far.
rm -f reports/*.xml reports/*.sqlite
failed=0
for cassette in cassettes/*.sqlite; do
    if [ ! -e "$cassette" ]; then
        echo "cassettes/ holds no cassette; record into it: gms-replay record cassettes/visit.sqlite --gms $GMS_URL" >&2
        exit 2
    fi
    name=$(basename "$cassette" .sqlite)
    gms-replay verify "$cassette" --against "$GMS_URL" --rules rules.toml --fail-on other-value \
        --junit "reports/$name.xml" --record "reports/$name.sqlite" "$@" || failed=1
done
exit $failed
