"""OpenID Connect, from the side of the console: the way out, the way back, what is believed of it.

`depart` is what the browser keeps meanwhile, `jetons` judges what is signed, `fournisseur` speaks with the
provider; console.identites ties who comes to an account.
"""
