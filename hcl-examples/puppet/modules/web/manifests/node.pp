# What a node is made of, whichever state asks for it. A real one would fetch the artifact here.
#
# @param laid      whether web is installed
# @param serving   whether it runs
# @param release   its number
# @param artifact  where the release comes from
class web::node (
  Boolean $laid,
  Boolean $serving,
  String $release,
  Optional[String] $artifact = undef,
) {
  file { $web::root: ensure => directory }

  file { "${web::root}/web.conf":
    ensure  => $laid ? { true => file, false => absent },
    content => "release = ${release}\nartifact = ${artifact}\n",
    mode    => '0644',
  }

  service { 'web':
    ensure   => $serving ? { true => running, false => stopped },
    provider => base,
    status   => "${web::systemctl} is-active web",
    start    => "${web::systemctl} start web",
    stop     => "${web::systemctl} stop web",
    restart  => "${web::systemctl} restart web",
  }

  # What serves goes last, and what must not serve any more goes first.
  if $serving {
    File["${web::root}/web.conf"] ~> Service['web']
  } else {
    Service['web'] -> File["${web::root}/web.conf"]
  }
}
