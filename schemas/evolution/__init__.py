"""What a change of schemas changes for those who write documents and for those who read them.

`modele` reads schemas into what a document can see, path by path; `comparaison` holds two of them against
each other and says each difference as a `Constat`; `jeu` lays new files over the published ones and compiles
them, so that documents can be validated under schemas that nobody serves yet. Pure: bytes in, values out.
"""
