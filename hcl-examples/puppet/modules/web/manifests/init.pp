# The states of the cluster in hcl-examples/web, compiled from what orch wants this node to be.
#
# $facts['orch'] has state, argument, attributes, cluster, node, from, generation and run. It is there
# when orch lets the node converge, and only then: a run of puppet's own, by hand or by timer, leaves
# the node what it is.
#
# @param root       where web lives
# @param release    what a converged node serves
# @param systemctl  what starts and stops it
class web (
  String $root = '/srv/web',
  String $release = '40',
  String $systemctl = '/usr/bin/systemctl',
) {
  $orch = $facts['orch']
  case $orch ? { undef => undef, default => $orch['state'] } {
    undef: { notice('orch did not ask for this run: web stays what it is') }
    'off': { class { 'web::node': laid => false, serving => false, release => $release } }
    'waiting': { class { 'web::node': laid => true, serving => false, release => $release } }
    'converged': { class { 'web::node': laid => true, serving => true, release => $release } }
    'version': {
      class { 'web::node':
        laid     => true,
        serving  => true,
        release  => $orch['argument'],
        artifact => $orch['attributes']['artifact'],
      }
    }
    default: { fail("web knows no state ${orch['state']}: it knows off, waiting, converged and version") }
  }
}
