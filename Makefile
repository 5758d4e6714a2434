# Everything needed is installed below this folder (.venv, .ansible) or in the user's cache folder; nothing global is touched.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LINK := .ansible/collections/ansible_collections/fastpath/cilium

.PHONY: help venv dev demo demo-down test lint sanity unit proof go-test lab-test fabric molecule docs build clean

help:  ## What can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

venv: $(VENV)/.base $(LINK)  ## What an audit of your own cluster needs: ansible-core, kubernetes, jmespath
dev: $(VENV)/.dev $(LINK)  ## ... and what the tests need

$(VENV)/.base: requirements.txt tests/tools/make_venv.py
	@$(PYTHON) tests/tools/make_venv.py $(VENV) requirements.txt
	@touch $@

$(VENV)/.dev: $(VENV)/.base requirements-dev.txt
	@$(PYTHON) tests/tools/make_venv.py $(VENV) requirements.txt requirements-dev.txt
	@touch $@

$(LINK):
	@mkdir -p $(dir $@) && ln -sfn ../../../.. $@

demo: venv  ## A 3-node lab cluster, audited and taken from SNAT to DSR
	@tests/tools/demo

demo-down:  ## Ends the demo's lab
	@tests/lab/lab down --name demo

test: dev  ## Everything that CI checks
	@$(BIN)/python tests/tools/run.py

lint sanity unit proof go-test lab-test fabric molecule: dev
	@$(BIN)/python tests/tools/run.py $@

docs: dev  ## Generates docs/reference.md and docs/tunings.md
	@$(BIN)/python tests/tools/reference.py

build: venv  ## The collection as a tarball
	@$(BIN)/ansible-galaxy collection build --force

clean:  ## Removes what was made in this folder
	@rm -rf $(VENV) .ansible .cache .lab .vm fastpath-runs *.tar.gz
