/* gSOAP with the code that wsdl2h and soapcpp2 make of the WSDL.
 *
 * client ADRESSE CERTIFICATS ECHANGE MTOM: reads the files of ECHANGE, writes there what the hub answered.
 * MTOM is "mtom" or "base64". CERTIFICATS holds clef.pem, the certificate and its key in one file.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "soapH.h"
#include "DemandeLogementImplServiceSoapBinding.nsmap"

static const char *adresse;
static const char *dossier;
static int mtom;

static void echouer(struct soap *soap, const char *quoi)
{
    fprintf(stderr, "%s\n", quoi);
    soap_print_fault(soap, stderr);
    exit(1);
}

static FILE *ouvrir(const char *nom, const char *mode)
{
    char chemin[4096];
    FILE *fichier;
    snprintf(chemin, sizeof chemin, "%s/%s", dossier, nom);
    fichier = fopen(chemin, mode);
    if (fichier == NULL) {
        perror(chemin);
        exit(1);
    }
    return fichier;
}

static void ecrire(const char *nom, const void *octets, size_t taille)
{
    FILE *fichier = ouvrir(nom, "wb");
    fwrite(octets, 1, taille, fichier);
    fclose(fichier);
}

static void ecrire_fichier(const char *nom, struct ns1__base64Binary *valeur)
{
    ecrire(nom, valeur->__item.__ptr, (size_t)valeur->__item.__size);
}

static struct ns1__base64Binary *binaire(struct soap *soap, unsigned char *octets, int taille)
{
    struct ns1__base64Binary *valeur = soap_new_ns1__base64Binary(soap, 1);
    valeur->__item.__ptr = octets;
    valeur->__item.__size = taille;
    return valeur;
}

static struct ns1__base64Binary *lire_fichier(struct soap *soap, const char *nom)
{
    FILE *fichier = ouvrir(nom, "rb");
    unsigned char *octets = soap_malloc(soap, 1 << 20);
    struct ns1__base64Binary *valeur = binaire(soap, octets, (int)fread(octets, 1, 1 << 20, fichier));
    fclose(fichier);
    if (mtom) {
        /* A type makes it an attachment; without id, gSOAP chooses the Content-ID. */
        valeur->__item.type = "text/xml";
    }
    return valeur;
}

static int enregistrer(struct soap *soap, const char *nom, struct _ns1__numUniqueReponse *reponse)
{
    struct _ns1__numUniqueParametres demande;
    soap_default__ns1__numUniqueParametres(soap, &demande);
    demande.nomFichierDemande = "DEMG1104-202601010000-000001.xml";
    demande.fichierDemande = lire_fichier(soap, nom);
    demande.nomCertificat = "";
    demande.certificat = binaire(soap, (unsigned char *)"", 0);
    return soap_call___ns1__getNumUnique(soap, adresse, NULL, &demande, reponse);
}

int main(int nombre, char **mots)
{
    char cle[4096], autorites[4096], numero[64];
    struct soap *soap;
    struct _ns1__numUniqueReponse enregistree;
    struct _ns1__demandeLogementParametres lecture;
    struct _ns1__demandeLogementReponse lue;
    struct _ns1__rechercheDoublonsParametres recherche;
    struct _ns1__rechercheDoublonsReponse doublons;
    const char *debut;
    char *texte;

    if (nombre != 5) {
        return 2;
    }
    adresse = mots[1];
    dossier = mots[3];
    mtom = strcmp(mots[4], "mtom") == 0;
    soap_ssl_init();
    soap = soap_new1(SOAP_XML_STRICT | SOAP_C_UTFSTRING | (mtom ? SOAP_ENC_MTOM : 0));
    soap_set_namespaces(soap, namespaces);
    snprintf(cle, sizeof cle, "%s/clef.pem", mots[2]);
    snprintf(autorites, sizeof autorites, "%s/ca.pem", mots[2]);
    if (soap_ssl_client_context(soap, SOAP_SSL_DEFAULT, cle, NULL, autorites, NULL, NULL)) {
        echouer(soap, "contexte TLS");
    }

    if (enregistrer(soap, "demande.xml", &enregistree)) {
        echouer(soap, "enregistrer");
    }
    ecrire_fichier("enregistrer", enregistree.fichierDemande);

    /* The bytes of a file do not end with a zero. */
    texte = soap_malloc(soap, (size_t)enregistree.fichierDemande->__item.__size + 1);
    memcpy(texte, enregistree.fichierDemande->__item.__ptr, (size_t)enregistree.fichierDemande->__item.__size);
    texte[enregistree.fichierDemande->__item.__size] = '\0';
    debut = strstr(texte, "<ns1:numUnique>");
    if (debut == NULL || sscanf(debut, "<ns1:numUnique>%63[^<]", numero) != 1) {
        fprintf(stderr, "pas de numéro unique dans la réponse\n");
        return 1;
    }
    soap_default__ns1__demandeLogementParametres(soap, &lecture);
    lecture.numUnique = numero;
    lecture.nomCertificat = "";
    lecture.certificat = binaire(soap, (unsigned char *)"", 0);
    if (soap_call___ns1__getDemandeLogement(soap, adresse, NULL, &lecture, &lue)) {
        echouer(soap, "lire");
    }
    ecrire_fichier("lire", lue.fichierDemande);

    soap_default__ns1__rechercheDoublonsParametres(soap, &recherche);
    recherche.nomFichierDemande = "DEM.xml";
    recherche.fichierDemande = lire_fichier(soap, "demande.xml");
    if (soap_call___ns1__getDoublons(soap, adresse, NULL, &recherche, &doublons)) {
        echouer(soap, "doublons");
    }
    ecrire_fichier("doublons", doublons.listeDoublons);

    if (enregistrer(soap, "anomalie.xml", &enregistree)) {
        echouer(soap, "anomalie");
    }
    ecrire_fichier("anomalie", enregistree.fichierDemande);

    if (enregistrer(soap, "illisible.xml", &enregistree)) {
        const char *raison = soap_fault_string(soap);
        const char *detail = soap_fault_detail(soap);
        const char *code = soap_fault_subcode(soap);
        ecrire("faute", raison, strlen(raison));
        if (detail != NULL) {
            ecrire("detail", detail, strlen(detail));
        }
        if (code != NULL) {
            ecrire("sous-code", code, strlen(code));
        }
    }

    soap_destroy(soap);
    soap_end(soap);
    soap_free(soap);
    return 0;
}
