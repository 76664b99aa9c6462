name         'web'
description  'The states of the cluster in hcl-examples/web'
version      '1.0.0'
chef_version '>= 15.0'
