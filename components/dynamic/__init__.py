"""Dynamic resources: thin shells between the engine and the libraries that do the work.

Pulumi stores a reference to the provider class in the state, module and name. Renaming one of these modules or classes
takes an alias, or stacks that have the resource cannot be updated or destroyed any more. The classes keep no state and
are run by a process of the engine, whose working directory is the folder of `Pulumi.yaml`.

What does the work is imported by the methods that call it: the program imports these modules too, to declare the resources, and
would otherwise load a database driver at every run that it never uses.
"""
