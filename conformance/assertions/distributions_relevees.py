"""Family 07, of a partner: how it comes for its distributions."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from conformance.assertion import Capacite, Constat, check, client, equal
from conformance.ecoute import Appel, Reaction
from conformance.guichet_factice import Attente, GuichetFactice, operation_of, read_call
from conformance.pupitre import Pupitre
from conformance.quai import fault

_RETRAIT_CLIENT = (Capacite.RETRAIT,)


def _waiting(p: Pupitre, count: int, page: int = 100) -> GuichetFactice:
    factice = p.factice()
    factice.page = page
    first = p.sequences(count)
    factice.attentes = [Attente(first + rang, p.document("DIS")) for rang in range(count)]
    return factice


@client(
    "C0724",
    "DST-25",
    "DST-27",
    titre="Chaque distribution lue est acquittée, avec le SHA-256 de son fichier",
    conduite="Garder le fichier, puis acquitter sa sequence et son empreinte.",
    exige=_RETRAIT_CLIENT,
)
def acknowledges_each(p: Pupitre) -> Iterator[Constat]:
    factice = _waiting(p, 3)
    p.play("relever", factice.answer)
    for each in factice.attentes:
        assert each.contenu is not None
        expected = [hashlib.sha256(each.contenu).hexdigest()]
        yield equal(f"acquits de {each.sequence}", expected, each.acquis)


@client(
    "C0725",
    "DST-27",
    titre="Les pages se suivent par derniereSequence tant que suite vaut OUI",
    conduite="Redonner derniereSequence dans apresSequence.",
    exige=_RETRAIT_CLIENT,
    apres=("C0724",),
)
def follows_the_pages(p: Pupitre) -> Iterator[Constat]:
    factice = _waiting(p, 5, page=2)
    p.play("relever", factice.answer)
    missing = [each.sequence for each in factice.attentes if not each.acquis]
    yield equal("distributions sans acquit", [], missing)


@client(
    "C0726",
    "DST-25",
    titre="L'empreinte acquittée est celle des octets gardés, pas celle qui est annoncée",
    conduite="Calculer le SHA-256 de ce qui est gardé.",
    exige=_RETRAIT_CLIENT,
    apres=("C0724",),
)
def digests_what_it_keeps(p: Pupitre) -> Iterator[Constat]:
    factice = _waiting(p, 1)
    factice.attentes[0].annonce = "0" * 64
    p.play("relever", factice.answer)
    yield check(
        "empreinte acquittée",
        "0" * 64 not in factice.attentes[0].acquis,
        "celle annoncée",
        "celle du fichier",
    )


@client(
    "C0727",
    "DST-26",
    "DST-28",
    titre="Une distribution retirée, sans fichier, n'est pas acquittée et n'arrête pas les suivantes",
    conduite="Passer ce qui n'a pas de fichier.",
    exige=_RETRAIT_CLIENT,
    apres=("C0724",),
)
def passes_the_withdrawn(p: Pupitre) -> Iterator[Constat]:
    factice = _waiting(p, 3)
    factice.attentes[1].contenu = None
    p.play("relever", factice.answer)
    yield equal("acquits de la retirée", [], factice.attentes[1].acquis)
    yield equal("acquits de la suivante", 1, len(factice.attentes[2].acquis))


@client(
    "C0728",
    "DST-27",
    titre="Après une lecture coupée, rien n'est perdu : le passage suivant relit et acquitte",
    conduite="Recommencer depuis le début : ce qui n'est pas acquitté revient.",
    exige=_RETRAIT_CLIENT,
    apres=("C0724",),
)
def survives_a_cut_list(p: Pupitre) -> Iterator[Constat]:
    factice = _waiting(p, 2)
    p.play("relever", lambda _: Reaction(couper=True))
    yield equal("acquits pendant la coupure", [], factice.attentes[0].acquis)
    p.play("relever", factice.answer)
    yield equal(
        "distributions sans acquit", [], [each.sequence for each in factice.attentes if not each.acquis]
    )


@client(
    "C0729",
    "DST-25",
    titre="Un acquit dont la réponse est perdue est répété, avec la même empreinte",
    conduite="Acquitter de nouveau ce dont la réponse n'est pas venue : l'acquit répété est sans effet.",
    exige=_RETRAIT_CLIENT,
    apres=("C0724",),
)
def repeats_a_lost_acknowledgement(p: Pupitre) -> Iterator[Constat]:
    factice = _waiting(p, 1)

    def lose(appel: Appel) -> Reaction:
        answered = factice.answer(appel)
        return Reaction(couper=True) if factice.attentes[0].acquis else answered

    p.play("relever", lose)
    p.play("relever", factice.answer)
    found = factice.attentes[0].acquis
    yield check("acquits", len(found) >= 2 and len(set(found)) == 1, found, "deux fois la même empreinte")


@client(
    "C0730",
    "DST-28",
    titre="Un acquit refusé parce que retiré (DIS206) n'est pas répété sans fin",
    conduite="Tenir pour finie une distribution dont l'acquit est refusé par DIS206.",
    exige=_RETRAIT_CLIENT,
    apres=("C0724",),
)
def lets_the_withdrawn_go(p: Pupitre) -> Iterator[Constat]:
    factice = _waiting(p, 1)
    factice.attentes[0].refus = "DIS206"
    p.play("relever", factice.answer)
    p.play("relever", factice.answer)
    yield equal("acquits", 1, len(factice.attentes[0].acquis))


@client(
    "C0731",
    "DST-27",
    titre="nombreMax va de 1 à 100, ou manque",
    conduite="Demander 100 distributions au plus.",
    exige=_RETRAIT_CLIENT,
    apres=("C0724",),
)
def asks_for_a_page(p: Pupitre) -> Iterator[Constat]:
    jeu = p.play("relever", _waiting(p, 1).answer)
    for appel in jeu.appels:
        asked = read_call(appel).champs.get("nombreMax", "100") or "100"
        yield check("nombreMax", 1 <= int(asked) <= 100, asked, "de 1 à 100")


@client(
    "C0732",
    "DST-33",
    titre="Une saturation n'est suivie d'aucun acquit",
    conduite="Revenir plus tard : rien n'a été lu.",
    exige=_RETRAIT_CLIENT,
    apres=("C0724",),
)
def nothing_when_saturated(p: Pupitre) -> Iterator[Constat]:
    jeu = p.play("relever", lambda _: fault("Receiver", "L'échangeur est momentanément saturé.", "SOA091"))
    acquits = sum(operation_of(read_call(each)) == "acquitterDistributions" for each in jeu.appels)
    yield equal("acquits de ce passage", 0, acquits)
    yield check("appels", len(jeu.appels) <= 3, len(jeu.appels), "trois au plus")


@client(
    "C0733",
    "DST-27",
    titre="Sans rien en attente, un passage ne fait que lire",
    conduite="Ne rien acquitter quand la liste est vide.",
    exige=_RETRAIT_CLIENT,
)
def nothing_waits(p: Pupitre) -> Iterator[Constat]:
    jeu = p.play("relever", p.factice().answer)
    done = [operation_of(read_call(each)) for each in jeu.appels]
    yield check("opérations", set(done) == {"listerDistributions"}, done, "listerDistributions")
