"""Tiny models of two families, built once a session."""

import pytest

from .tiny import FAMILIES, build_idefics3


@pytest.fixture(scope="session", params=sorted(FAMILIES))
def any_family(request, tmp_path_factory):
    """The folder of a tiny model, of each family in turn."""
    return FAMILIES[request.param](tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="session")
def idefics3(tmp_path_factory):
    return build_idefics3(tmp_path_factory.mktemp("idefics3"))
