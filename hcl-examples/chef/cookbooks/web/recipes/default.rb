# The states of the cluster in hcl-examples/web, compiled from what orch wants this node to be.
#
# node['orch'] has state, argument, attributes, cluster, node, from, generation and run. A Chef server
# keeps the last one: a run of chef's own, by hand or by timer, brings the node to where it was sent
# last. It merges attributes too, so that of a state without some, old ones are still there: only
# what the state declares is looked at here.
orch = node['orch']
raise 'web is converged by orch, which tells the state in node["orch"]' unless orch

laid, serving, release, artifact =
  case orch['state']
  when 'off'       then [false, false, node['web']['release'], nil]
  when 'waiting'   then [true, false, node['web']['release'], nil]
  when 'converged' then [true, true, node['web']['release'], nil]
  when 'version'   then [true, true, orch['argument'], orch['attributes']['artifact']]
  else raise "web knows no state #{orch['state']}: it knows off, waiting, converged and version"
  end

systemctl = node['web']['systemctl']
active = "#{systemctl} is-active web"

# What must not serve any more goes first.
execute 'stop web' do
  command [systemctl, 'stop', 'web']
  only_if active
end unless serving

directory node['web']['root']

# A real one would fetch the artifact here.
file "#{node['web']['root']}/web.conf" do
  content "release = #{release}\nartifact = #{artifact}\n"
  mode '0644'
  action laid ? :create : :delete
  notifies :run, 'execute[restart web]', :immediately if serving
end

# What serves goes last.
execute 'restart web' do
  command [systemctl, 'restart', 'web']
  action :nothing
  only_if active
end

execute 'start web' do
  command [systemctl, 'start', 'web']
  not_if active
end if serving
