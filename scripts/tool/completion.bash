# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Completion of vfio-type1x for bash.

_vfio_type1x() {
	local line=${COMP_LINE:0:COMP_POINT} word words before='' command='' choices=''
	word=${line##*[[:space:]]}
	read -ra words <<<"${line%"$word"}"
	for before in "${words[@]:1}"; do
		[[ $command || $before == -* ]] || command=$before
	done
	case $command:$word in
	:-*) choices="--help --json --version" ;;
	top:-*) choices="--help --json --delay --count" ;;
	*:-*) choices="--help --json" ;;
	:*) choices="list top show refusals who doctor metrics" ;;
	show:*) choices=$(ls /sys/kernel/debug/vfio_iommu_type1x/containers 2>/dev/null) ;;
	doctor:*) choices=$(ls /sys/bus/pci/devices 2>/dev/null) ;;
	esac
	case $before in
	# A number is wanted; show and doctor take one argument.
	-d | --delay | -n | --count) choices='' ;;
	-* | "$command") ;;
	*) choices='' ;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$choices" -- "$word")
	# Readline replaces what is behind the last colon only.
	[[ $word != *:* || $COMP_WORDBREAKS != *:* ]] ||
		COMPREPLY=("${COMPREPLY[@]#"${word%:*}:"}")
}

complete -F _vfio_type1x vfio-type1x
