"""The miniature's base model, in the folder `model`; :func:`safecot_dsl.datafiles.shipped_model` finds it."""
