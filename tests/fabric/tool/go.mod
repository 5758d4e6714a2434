module fastpath.cilium/fabric/tool

go 1.22
