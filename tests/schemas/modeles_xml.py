"""Small documents for the tests, written by hand so that each test can break exactly one thing."""

from __future__ import annotations

NS = "http://nuu.application.i2/"

TETE = """<numGuichet>G1104</numGuichet><dateCreationDemande>2026-03-15</dateCreationDemande>
<precision/>"""

ADRESSE = """<etranger>false</etranger><voie>rue des Lilas</voie>
<codePostal>93100</codePostal><commune code="93048"/>"""

PERSONNE = """<civilite code="2"/><nom>DURAND</nom><prenom>Zoé</prenom>
<dateNaissance>1990-02-28</dateNaissance><nationalite code="1"/><situationFamiliale code="C"/>"""

DEMANDEUR = f"""<demandeur>{PERSONNE}<adressePostale>{ADRESSE}</adressePostale>
<situationProfessionnelle><typeContratTravail code="CDI"/></situationProfessionnelle>
<revenuFiscal/><listeRessourceRecue/><listeRessourceVersee/>
<listeRessourceRecuePersACharge/><listeRessourceVerseePersACharge/></demandeur>"""

COTITULAIRE = f"""<listeCotitulaire><cotitulaire>{PERSONNE}<lienDemandeur code="M"/>
<situationProfessionnelle><typeContratTravail code="CDD"/></situationProfessionnelle>
<listeRessourceRecue/><listeRessourceVersee/></cotitulaire></listeCotitulaire>"""

LOGEMENT_ACTUEL = """<logementActuel><listeModeleLogement><modeleLogement code="LP"/></listeModeleLogement>
<proprietaire>false</proprietaire></logementActuel>"""

RECHERCHE = """<logementRecherche><demandeElargie>true</demandeElargie>
<listeTypeLogement><typeLogement code="T3"/></listeTypeLogement>
<listeLocalisationSouhaite><localisationSouhaite><commune code="93048"/></localisationSouhaite>
</listeLocalisationSouhaite></logementRecherche>"""

ASSOCIATION = "<association><nom>Un toit pour tous</nom></association>"

DOUBLON = """<doublon><numUnique>1110318016982G1104</numUnique><demandeur><civilite/><nom/><prenom/>
<dateNaissance>1990-02-28</dateNaissance><adressePostale><etranger>false</etranger></adressePostale></demandeur>
<listeLocalisationSouhaitee><localisationSouhaitee><commune/></localisationSouhaitee></listeLocalisationSouhaitee>
</doublon>"""


def demande(
    corps: str = "",
    *,
    tete: str = TETE,
    recherche: str = RECHERCHE,
    demandeur: str = DEMANDEUR,
    foyer: str = "",
    logement: str = LOGEMENT_ACTUEL,
    qui: str | None = None,
    dalo: str = "",
    version: str = "02.01",
    type_fichier: str = "CRE",
    date_fichier: str = "2026-03-15T16:54:06.339+01:00",
) -> bytes:
    """A demande; `corps` follows the applicant, `foyer` stands between demandeur and logementActuel."""
    if qui is None:
        qui = f"<personnePhysique>{demandeur}{foyer}{logement}</personnePhysique>"
    return f"""<interfaceNuu xmlns="{NS}" xmlns:n="{NS}" versionInterface="{version}">
<entete><typeFichier>{type_fichier}</typeFichier><dateFichier>{date_fichier}</dateFichier></entete>
<demande>{dalo}<demandeLogement>{tete}{recherche}{qui}{corps}</demandeLogement></demande>
</interfaceNuu>""".encode()


def doublons(contenu: str = DOUBLON) -> bytes:
    return f'<listeDoublons xmlns="{NS}">{contenu}</listeDoublons>'.encode()


def _autre(corps: str, version: str, type_fichier: str) -> bytes:
    return f"""<interfaceNuu xmlns="{NS}" versionInterface="{version}">
<entete><typeFichier>{type_fichier}</typeFichier>
<dateFichier>2026-03-15T16:54:06</dateFichier><codeGuichet>G1104</codeGuichet></entete>{corps}</interfaceNuu>""".encode()


def recherche(
    criteres: str = "", suite: str = "", version: str = "02.00", type_fichier: str = "RECH"
) -> bytes:
    corps = f"<operation><demandeMulticritere>{criteres}</demandeMulticritere></operation>{suite}"
    return _autre(corps, version, type_fichier)


def evenement(suite: str = "", version: str = "02.00", type_fichier: str = "EVT") -> bytes:
    corps = f"<operation><numUnique>1110318016982G1104</numUnique></operation>{suite}"
    return _autre(corps, version, type_fichier)


def type_evenement(suite: str = "", version: str = "02.00", type_fichier: str = "TEVT") -> bytes:
    return _autre(suite, version, type_fichier)
