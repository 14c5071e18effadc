#compdef vfio-type1x
# SPDX-License-Identifier: GPL-2.0
# Completion of vfio-type1x for zsh.

local context state state_descr line
typeset -A opt_args
local -a commands common containers devices

commands=(
	'list:the open containers'
	'top:the open containers, over and over'
	'show:one container and its mappings'
	'refusals:requests that were refused lately, and why'
	'who:which driver serves which process'
	'doctor:is this host ready for passthrough'
	'metrics:counters, as Prometheus reads them'
)
common=('--help[show help]' '--json[for programs to read]')

_arguments -C $common '--version[show the version]' '1:command:->command' '*::argument:->argument'

case $state in
command)
	_describe command commands
	;;
argument)
	case $words[1] in
	top)
		_arguments $common \
			'(-d --delay)'{-d,--delay}'[seconds between]:seconds:' \
			'(-n --count)'{-n,--count}'[how often]:count:'
		;;
	show)
		containers=(/sys/kernel/debug/vfio_iommu_type1x/containers/*(N:t))
		_arguments $common '1:container:compadd -a containers'
		;;
	doctor)
		devices=(/sys/bus/pci/devices/*(N:t))
		_arguments $common '1:device:compadd -a devices'
		;;
	*)
		_arguments $common
		;;
	esac
	;;
esac
