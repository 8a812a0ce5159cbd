"""The commands that administer an instance, each called as its user calls it."""

from __future__ import annotations

import json
import re
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from certs.autorite import create_autorite
from certs.lecture import Certificat, read_certificat, read_chaine
from registry.clock import FixedClock
from schemas.documents import DocumentKind
from tests.echangeur.conftest import Commande


def test_init_cree_ce_qu_il_dit(commande: Commande, dossier: Path) -> None:
    assert (dossier / "echangeur.toml").is_file()
    serveur = read_chaine((dossier / "serveur" / "cert.pem").read_bytes())
    assert isinstance(serveur, tuple)
    assert len(serveur) == 2
    for secret in ("echangeur.toml", "autorite/ca.key.pem", "serveur/key.pem", "client/key.pem"):
        assert stat.S_IMODE((dossier / secret).stat().st_mode) == 0o600
    again = commande("init", dossier)
    assert again.code == 2
    assert "contient déjà une instance" in again.erreur


def test_guichets(instance: Commande, guichet: str) -> None:
    assert instance("guichet", "lister", "--json").json == [
        {
            "code": "G1104",
            "nom": "Habitat [exemple]",
            "type": "bailleur",
            "siren": "552046484",
            "territoires": ["111"],
            "communes": [],
            "numerote": False,
            "adresse_reception": "",
            "actif": True,
            "canal": "retrait",
            "adresse_courrier": "",
            "capacites": "compatible",
            "version": "02.01",
        }
    ]
    # Brackets are no markup: the name comes out whole.
    assert "Habitat [exemple]" in instance("guichet", "lister").sortie
    assert "tout son territoire" in instance("guichet", "montrer", guichet).sortie
    url = "https://localhost:9443/reception"
    assert instance("guichet", "adresse", guichet, url).code == 0
    assert instance("guichet", "montrer", guichet, "--json").json["adresse_reception"] == url
    assert instance("guichet", "adresse", guichet, "http://clair").code == 1
    assert instance("guichet", "montrer", guichet, "--json").json["canal"] == "push"
    assert "demande une adresse" in instance("guichet", "canal", guichet, "courrier").erreur
    assert instance("guichet", "adresse", guichet, "accueil", "--courrier").code == 1
    assert instance("guichet", "adresse", guichet, "accueil@exemple.fr", "--courrier").code == 0
    assert instance("guichet", "canal", guichet, "courrier").code == 0
    assert "canal retrait" in instance("guichet", "adresse", guichet, "", "--courrier").sortie
    assert instance("guichet", "canal", guichet, "push").code == 0
    assert instance("guichet", "canal", guichet, "pigeon").code == 2
    assert instance("guichet", "canal", "G0000", "retrait").code == 1
    assert instance("guichet", "fermer", guichet).code == 0
    assert instance("guichet", "montrer", guichet, "--json").json["actif"] is False
    assert instance("guichet", "fermer", "G0000").code == 1
    assert "Aucun guichet n'a le code G0000" in instance("guichet", "montrer", "G0000").erreur


def test_guichet_incorrect_dit_tout_a_la_fois(instance: Commande) -> None:
    result = instance(
        *(
            "guichet",
            "ajouter",
            "g1",
            "--nom",
            "x",
            "--type",
            "commune",
            "--siren",
            "1",
            "--territoire",
            "999",
        )
    )
    assert result.code == 1
    for champ in ("code", "siren", "territoire", "perimetre"):
        assert f"- {champ} : " in result.erreur


@pytest.mark.parametrize(
    ("type_guichet", "options", "commune"),
    [("commune", ("--commune", "59350"), "59350"), ("epci", ("--epci", "200093201"), "59350")],
)
def test_perimetre_d_une_commune_et_d_un_epci(
    instance: Commande, type_guichet: str, options: tuple[str, ...], commune: str
) -> None:
    result = instance(
        *("guichet", "ajouter", "C5935", "--nom", "Lille", "--type", type_guichet, "--territoire", "059"),
        *(*options, "--json"),
    )
    assert result.code == 0, result.erreur
    assert commune in result.json["communes"]


def test_perimetre_d_un_autre_type_est_refuse(instance: Commande) -> None:
    result = instance(
        *("guichet", "ajouter", "B5935", "--nom", "x", "--type", "bailleur", "--territoire", "059"),
        *("--commune", "59350"),
    )
    assert result.code == 1
    assert "perimetre" in result.erreur


def test_certificat_emis_est_enregistre(
    instance: Commande, guichet: str, tmp_path: Path, dossier: Path
) -> None:
    sortie = tmp_path / "sortie"
    result = instance("certificat", "emettre", guichet, "--dossier", sortie)
    assert result.code == 0, result.erreur
    assert sorted(path.name for path in sortie.iterdir()) == ["ca.pem", "cert.pem", "key.pem"]
    assert (sortie / "ca.pem").read_bytes() == (dossier / "autorite" / "ca.pem").read_bytes()
    lu = read_certificat((sortie / "cert.pem").read_bytes())
    assert isinstance(lu, Certificat)
    assert lu.siren == "552046484"
    (listed,) = instance("certificat", "lister", "--json").json
    assert (listed["empreinte"], listed["guichet"], listed["etat"]) == (lu.empreinte, guichet, "valide")
    # A private key is never overwritten.
    assert instance("certificat", "emettre", guichet, "--dossier", sortie).code == 2
    assert instance("certificat", "emettre", "G0000", "--dossier", tmp_path / "autre").code == 1
    assert not (tmp_path / "autre").exists()


def test_certificat_d_ailleurs(instance: Commande, guichet: str, tmp_path: Path, horloge: FixedClock) -> None:
    """A partner keeps the certificate of its own authority."""
    identite = create_autorite("IGC d'un partenaire", now=horloge.now()).issue_guichet(
        "peu importe", now=horloge.now(), duree=timedelta(days=30)
    )
    fichier = tmp_path / "partenaire.pem"
    fichier.write_bytes(identite.certificat)
    pinned = instance("certificat", "enregistrer", guichet, fichier, "--json")
    assert pinned.code == 0, pinned.erreur
    assert instance("certificat", "enregistrer", guichet, fichier).code == 1
    listed = instance("certificat", "lister", guichet)
    assert "expire bientôt" in listed.sortie
    assert "1 certificat(s) expirent" in listed.erreur
    horloge.advance(timedelta(days=31))
    assert "expiré" in instance("certificat", "lister").sortie
    empreinte = pinned.json["empreinte"]
    colons = ":".join(empreinte[i : i + 2] for i in range(0, 64, 2)).upper()
    assert instance("certificat", "retirer", colons).code == 0
    assert "retiré" in instance("certificat", "lister").sortie
    assert instance("certificat", "retirer", "00" * 32).code == 1


def test_certificat_illisible(instance: Commande, guichet: str, tmp_path: Path) -> None:
    fichier = tmp_path / "faux.pem"
    fichier.write_text("bonjour")
    result = instance("certificat", "enregistrer", guichet, fichier)
    assert result.code == 1
    assert "n'est pas un certificat X.509" in result.erreur


FILTRE = """
[[filtre]]
nom = "T2 et T3 de la métropole"
epci = ["200093201"]
types_logement = ["T2", "T3"]
"""


def test_filtres(instance: Commande, guichet: str, tmp_path: Path, horloge: FixedClock) -> None:
    fichier = tmp_path / "filtre.toml"
    fichier.write_text(FILTRE)
    assert instance("filtre", "ajouter", guichet, fichier).code == 0
    added = instance(
        *(
            "filtre",
            "ajouter",
            guichet,
            "--nom",
            "Paris",
            "--commune",
            "75056",
            "--commune",
            "75101",
            "--json",
        )
    )
    assert added.code == 0, added.erreur
    assert added.json[0]["conditions"] == {"communes": ["75056", "75101"]}
    names = [item["nom"] for item in instance("filtre", "lister", "--json").json]
    assert sorted(names) == ["Paris", "T2 et T3 de la métropole"]
    assert "types_logement ∈ {T2, T3}" in instance("filtre", "lister", guichet).sortie
    avant = horloge.now()
    horloge.advance(timedelta(days=1))
    assert instance("filtre", "retirer", guichet, "Paris").code == 0
    assert len(instance("filtre", "lister", "--json").json) == 1
    assert len(instance("filtre", "lister", "--le", avant.isoformat(), "--json").json) == 2
    versions = instance("filtre", "montrer", guichet, "Paris", "--json").json
    assert [item["retire"] for item in versions] == [False, True]
    assert "retiré" in instance("filtre", "montrer", guichet, "Paris").sortie
    assert instance("filtre", "montrer", guichet, "Londres").code == 1
    assert instance("filtre", "retirer", guichet, "Londres").code == 1


def test_filtre_a_venir(instance: Commande, guichet: str, horloge: FixedClock) -> None:
    """A date without a time zone is that of Paris."""
    horloge.set(datetime(2026, 11, 23, 9, 0, tzinfo=UTC))
    added = instance("filtre", "ajouter", guichet, "--nom", "x", "--effet", "2026-12-01", "--json")
    assert added.json[0]["effet_le"].startswith("2026-12-01T00:00:00+01:00")
    assert instance("filtre", "lister", "--json").json == []
    passe = instance("filtre", "ajouter", guichet, "--nom", "y", "--effet", "2026-11-01")
    assert passe.code == 1
    assert instance("filtre", "ajouter", guichet, "--nom", "y", "--effet", "demain").code == 2


def test_filtre_mal_appele(instance: Commande, guichet: str, tmp_path: Path) -> None:
    fichier = tmp_path / "filtre.toml"
    fichier.write_text(FILTRE)
    assert instance("filtre", "ajouter", guichet).code == 2
    assert instance("filtre", "ajouter", guichet, fichier, "--nom", "x").code == 2
    wrong = instance("filtre", "ajouter", guichet, "--nom", "x", "--type-logement", "T9")
    assert wrong.code == 1
    assert "types_logement" in wrong.erreur
    assert instance("filtre", "ajouter", "G0000", "--nom", "x").code == 1


def test_filtre_valide_sans_instance(commande: Commande, tmp_path: Path) -> None:
    fichier = tmp_path / "filtre.toml"
    fichier.write_text(FILTRE)
    assert commande("filtre", "valider", fichier).code == 0
    fichier.write_text(FILTRE.replace("200093201", "2"))
    wrong = commande("filtre", "valider", fichier, "--json")
    assert wrong.code == 1
    assert wrong.json["erreurs"][0]["condition"] == "epci"
    en_json = tmp_path / "filtre.json"
    en_json.write_text(json.dumps({"filtre": [{"nom": "x", "territoires": ["111"]}]}))
    assert "territoires ∈ {111}" in commande("filtre", "valider", en_json).sortie
    assert commande("filtre", "schema").json["title"] == "Filtres d'un guichet"


def test_echanges_et_distributions_d_une_instance_neuve(instance: Commande, guichet: str) -> None:
    assert instance("echange", "lister", "--json").json == []
    assert "Aucun échange" in instance("echange", "lister").erreur
    assert instance("echange", "montrer", "01890000-0000-7000-8000-000000000000").code == 1
    assert instance("echange", "montrer", "abc").code == 2
    assert instance("distribution", "lister", "--json").json == []
    assert "0 distribution(s)" in instance("distribution", "rejouer", "--tout").sortie
    assert instance("distribution", "rejouer").code == 2
    assert instance("distribution", "rejouer", "--tout", "--guichet", guichet).code == 2
    assert instance("distribution", "rejouer", "--guichet", "G0000").code == 1
    assert instance("distribution", "rejouer", "abc").code == 2
    assert instance("distribution", "rejouer", "--tout", "--cause", "refus").code == 2
    criteres = (
        "--guichet",
        guichet,
        "--cause",
        "delai",
        "--depuis",
        "2026-01-15",
        "--avant",
        "2030-01-01",
    )
    assert "0 distribution(s)" in instance("distribution", "rejouer", *criteres).sortie
    assert instance("distribution", "rebut", "--json").sortie.strip() == "[]"


def test_registre_neuf_est_intact(instance: Commande) -> None:
    result = instance("registre", "verifier")
    assert result.code == 0
    assert "Le registre est intact." in result.sortie
    assert instance("registre", "verifier", "--json").json["intact"] is True


def test_schema_publie(commande: Commande, tmp_path: Path) -> None:
    result = commande("schema", "publier", tmp_path / "s")
    assert result.code == 0
    names = {path.name for path in (tmp_path / "s").iterdir()}
    assert {"demande-02.00.xsd", "demande-02.01.xsd", "DemandeLogementImplService.wsdl"} <= names
    # What the WSDL include is beside them.
    wsdl = (tmp_path / "s" / "DemandeLogementImplService.wsdl").read_text(encoding="utf-8")
    for included in re.findall(r'schemaLocation="([^"]+)"', wsdl):
        assert included in names


def test_schema_genere_et_valide(commande: Commande, tmp_path: Path) -> None:
    """What the generator writes, the validator accepts; a spoiled copy is refused, with its line."""
    assert commande("schema", "generer", "--nombre", "3", "--dossier", tmp_path / "d").code == 0
    paths = sorted((tmp_path / "d").iterdir())
    assert len(paths) == 3
    for path in paths:
        assert commande("schema", "valider", path).code == 0
    texte = paths[0].read_text(encoding="utf-8")
    faux = tmp_path / "faux.xml"
    faux.write_text(texte.replace("demandeur", "demandeure"), encoding="utf-8")
    result = commande("schema", "valider", faux, "--json")
    assert result.code == 1
    assert result.json["violations"][0]["rule"].startswith("XSD-")
    assert "invalide" in commande("schema", "valider", faux).erreur


@pytest.mark.parametrize("nature", list(DocumentKind))
def test_schema_genere_chaque_nature(commande: Commande, tmp_path: Path, nature: DocumentKind) -> None:
    assert commande("schema", "generer", "--nature", nature, "--dossier", tmp_path).code == 0
    (path,) = tmp_path.iterdir()
    assert commande("schema", "valider", path, "--json").json["valide"] is True


def test_schema_generer_se_repete(commande: Commande) -> None:
    premier = commande("schema", "generer", "--graine", "7").sortie
    assert premier == commande("schema", "generer", "--graine", "7").sortie
    assert premier != commande("schema", "generer", "--graine", "8").sortie
    assert commande("schema", "generer", "--nombre", "2").code == 2
    assert commande("schema", "generer", "--type-fichier", "ZZZ").code == 2
    assert commande("schema", "generer", "--territoire", "ZZZ").code == 2


def test_schema_valider_juge_les_codes_a_une_date(commande: Commande, tmp_path: Path) -> None:
    texte = commande("schema", "generer").sortie
    faux = tmp_path / "faux.xml"
    faux.write_text(re.sub(r'(civilite[^>]* code=")[^"]*"', r'\1ZZ"', texte), encoding="utf-8")
    result = commande("schema", "valider", faux, "--json")
    assert result.code == 1
    assert "ZZ" in {violation["found"] for violation in result.json["violations"]}
    assert commande("schema", "valider", faux, "--le", "hier").code == 2


def test_a_certificate_is_given_a_profile(instance: Commande, guichet: str, tmp_path: Path) -> None:
    """[DRO-5] [PIE-8] By its empreinte, as other tools write it; an unknown one is a finding."""
    assert instance("certificat", "emettre", guichet, "--dossier", tmp_path / "c").code == 0
    (certificat,) = instance("certificat", "lister", "--json").json
    empreinte = certificat["empreinte"].upper()
    given = instance("certificat", "profil", empreinte, "numeriseur")
    assert (given.code, "numeriseur" in given.sortie) == (0, True)
    (certificat,) = instance("certificat", "lister", "--json").json
    assert certificat["profil"] == "numeriseur"
    assert instance("certificat", "profil", "ab" * 32, "guichet").code == 1
    assert instance("certificat", "profil", empreinte, "administrateur").code == 2
