"""The package whose modules are the files in folders of plug-ins, see ``specgen.extending``.

So what a plug-in defines has a module that any process can import, and objects of it go to spawned processes and back.
"""

from specgen.extending import plugin_folders

__path__.extend(map(str, plugin_folders()))
