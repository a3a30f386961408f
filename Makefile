# The commands of this project. `make` alone lists them.

PYTHON ?= python3
EXAMPLE ?=
STACK ?= $(or $(EXAMPLE),local)
DATABASE ?=
ROLE ?= app
ARGS ?=

RUN = .venv/bin/python
TOOLCHAIN = $(RUN) -m toolchain
PICK = $(if $(DATABASE),--database $(DATABASE)) --role $(ROLE)

ifneq ($(EXAMPLE),)
ifeq ($(wildcard examples/$(EXAMPLE)/Pulumi.$(EXAMPLE).yaml),)
$(error There is no example $(EXAMPLE): examples/$(EXAMPLE)/Pulumi.$(EXAMPLE).yaml does not exist)
endif
endif

.DEFAULT_GOAL := help
.PHONY: help up preview destroy outputs url psql pulumi env ops install test interop check format generate lock bench bench-docker bench-migrate

help: ## List the commands
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | awk -F '\t' '{ printf "  make %-14s %s\n", $$1, $$2 }'

.venv/.installed-requirements: requirements.txt
	@$(PYTHON) toolchain/venv.py requirements.txt

.venv/.installed-requirements-dev: requirements-dev.txt .venv/.installed-requirements
	@$(PYTHON) toolchain/venv.py requirements-dev.txt

up: .venv/.installed-requirements ## Bring up PostgreSQL with its schemas (STACK=local, dev or prod; EXAMPLE=usualstore)
	@$(TOOLCHAIN) up --stack $(STACK) -- $(ARGS)

preview: .venv/.installed-requirements ## Show what `make up` would change
	@$(TOOLCHAIN) preview --stack $(STACK) -- $(ARGS)

destroy: .venv/.installed-requirements ## Take a stack down; its data stays unless deleteData was applied
	@$(TOOLCHAIN) destroy --stack $(STACK) -- $(ARGS)

outputs: .venv/.installed-requirements ## Print the stack's outputs as JSON, secrets masked
	@$(TOOLCHAIN) outputs --stack $(STACK) -- $(ARGS)

url: .venv/.installed-requirements ## Print a connection URL with its password (DATABASE=, ROLE=owner|app|readonly)
	@$(TOOLCHAIN) url --stack $(STACK) $(PICK)

psql: .venv/.installed-requirements ## Open psql (DATABASE=, ROLE=owner|app|readonly, ARGS=)
	@$(TOOLCHAIN) psql --stack $(STACK) $(PICK) -- $(ARGS)

pulumi: .venv/.installed-requirements ## Run any other Pulumi command on the stack (ARGS="stack history")
	@$(TOOLCHAIN) pulumi --stack $(STACK) -- $(ARGS)

env: .venv/.installed-requirements ## Print exports for using pulumi directly: eval "$$(make -s env)"
	@$(TOOLCHAIN) env --stack $(STACK)

ops: .venv/.installed-requirements ## Operate a database (ARGS="migrate status"; ARGS=--help lists it all)
	@$(RUN) -m ops $(ARGS)

install: .venv/.installed-requirements ## Get the Pulumi CLI: from PATH, by download, or built
	@$(TOOLCHAIN) install

test: .venv/.installed-requirements-dev install ## Run every test that this machine can run (ARGS="-k name")
	@$(RUN) -m tools.peers install --where-possible
	@$(RUN) -m tools.engine install --where-possible
	@$(RUN) -m pytest $(ARGS)

interop: .venv/.installed-requirements-dev ## Run the real migration tools beside ours, sqlx-cli included, which takes minutes to build
	@$(RUN) -m tools.peers install --with sqlx
	@$(RUN) -m pytest tests/interop $(ARGS)

check: .venv/.installed-requirements-dev ## Lint, check formatting and types, and guard the repository
	@$(RUN) -m ruff check
	@$(RUN) -m ruff format --check
	@$(RUN) -m mypy
	@$(RUN) -m tools.generate --check
	@$(RUN) -m tools.guards

format: .venv/.installed-requirements-dev ## Format the code
	@$(RUN) -m ruff check --fix --quiet
	@$(RUN) -m ruff format --quiet

generate: .venv/.installed-requirements ## Write what is generated from the settings
	@$(RUN) -m tools.generate

lock: .venv/.installed-requirements-dev ## Pin all dependencies anew, with hashes and without addresses
	@$(RUN) -m tools.lock

bench: .venv/.installed-requirements-dev install ## Measure what `make up` costs, against public figures of the same run
	@$(RUN) -m benchmarks.up

bench-docker: .venv/.installed-requirements-dev install ## Measure what the stack dev costs beyond Docker, Pulumi and the migrations (ARGS="--runs 3")
	@$(RUN) -m tools.engine install
	@$(RUN) -m benchmarks.docker $(ARGS)

bench-migrate: .venv/.installed-requirements-dev ## Measure the migrator against the tools whose formats it reads (ARGS="--rounds 1")
	@$(RUN) -m tools.peers install --with sqlx --where-possible
	@$(RUN) -m benchmarks.migrate $(ARGS)
