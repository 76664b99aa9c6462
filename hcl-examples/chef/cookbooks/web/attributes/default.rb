default['web']['root'] = '/srv/web'                   # where web lives
default['web']['release'] = '40'                      # what a converged node serves
default['web']['systemctl'] = '/usr/bin/systemctl'    # what starts and stops it
