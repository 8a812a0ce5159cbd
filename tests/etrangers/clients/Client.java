import demande.Base64Binary;
import demande.DemandeLogementImplService;
import demande.DemandeLogementParametres;
import demande.DemandeLogementPortType;
import demande.NumUniqueParametres;
import demande.RechercheDoublonsParametres;
import java.io.FileInputStream;
import java.io.InputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.HttpsURLConnection;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import javax.xml.ws.WebServiceFeature;
import javax.xml.ws.soap.MTOMFeature;
import javax.xml.ws.soap.SOAPFaultException;

/**
 * JAX-WS with the classes that wsimport makes of the WSDL.
 *
 * <p>Client WSDL CERTIFICATS ECHANGE MTOM: reads the files of ECHANGE, writes there what the hub answered.
 * MTOM is "mtom" or "base64".
 */
public final class Client {
    private static Path echange;

    public static void main(String[] mots) throws Exception {
        echange = Path.of(mots[2]);
        // The RI takes the context of the JVM, for the WSDL as for the calls.
        HttpsURLConnection.setDefaultSSLSocketFactory(contexte(Path.of(mots[1])).getSocketFactory());
        WebServiceFeature[] options = {new MTOMFeature(mots[3].equals("mtom"))};
        DemandeLogementImplService service = new DemandeLogementImplService(URI.create(mots[0]).toURL());
        DemandeLogementPortType port = service.getPort(DemandeLogementPortType.class, options);

        byte[] reponse = enregistrer(port, "demande.xml");
        ecrire("enregistrer", reponse);

        Matcher numero = Pattern.compile("<ns1:numUnique>([^<]+)<").matcher(new String(reponse, StandardCharsets.UTF_8));
        numero.find();
        DemandeLogementParametres lecture = new DemandeLogementParametres();
        lecture.setNumUnique(numero.group(1));
        lecture.setNomCertificat("");
        lecture.setCertificat(binaire(new byte[0]));
        ecrire("lire", port.getDemandeLogement(lecture).getFichierDemande().getValue());

        RechercheDoublonsParametres recherche = new RechercheDoublonsParametres();
        recherche.setNomFichierDemande("DEM.xml");
        recherche.setFichierDemande(fichier("demande.xml"));
        ecrire("doublons", port.getDoublons(recherche).getListeDoublons().getValue());

        ecrire("anomalie", enregistrer(port, "anomalie.xml"));

        try {
            enregistrer(port, "illisible.xml");
        } catch (SOAPFaultException faute) {
            ecrire("faute", faute.getFault().getFaultString().getBytes(StandardCharsets.UTF_8));
            ecrire("detail", (faute.getMessage() + "\n" + faute.getFault().getFaultCode() + "\n"
                    + faute.getFault().getFaultSubcodes().next() + "\n"
                    + faute.getFault().getDetail().getTextContent()).getBytes(StandardCharsets.UTF_8));
        }
    }

    private static byte[] enregistrer(DemandeLogementPortType port, String nom) throws Exception {
        NumUniqueParametres demande = new NumUniqueParametres();
        demande.setNomFichierDemande("DEMG1104-202601010000-000001.xml");
        demande.setFichierDemande(fichier(nom));
        demande.setNomCertificat("");
        demande.setCertificat(binaire(new byte[0]));
        return port.getNumUnique(demande).getFichierDemande().getValue();
    }

    private static Base64Binary fichier(String nom) throws Exception {
        return binaire(Files.readAllBytes(echange.resolve(nom)));
    }

    private static Base64Binary binaire(byte[] octets) {
        Base64Binary valeur = new Base64Binary();
        valeur.setValue(octets);
        return valeur;
    }

    private static void ecrire(String nom, byte[] octets) throws Exception {
        Files.write(echange.resolve(nom), octets);
    }

    /** PEM files as they are: no PKCS#12 in between. */
    private static SSLContext contexte(Path dossier) throws Exception {
        CertificateFactory fabrique = CertificateFactory.getInstance("X.509");
        KeyStore magasin = KeyStore.getInstance("PKCS12");
        magasin.load(null, null);
        try (InputStream chaine = new FileInputStream(dossier.resolve("cert.pem").toFile())) {
            Certificate[] certificats = fabrique.generateCertificates(chaine).toArray(new Certificate[0]);
            magasin.setKeyEntry("client", cle(dossier.resolve("key.pem")), new char[0], certificats);
        }
        try (InputStream autorites = new FileInputStream(dossier.resolve("ca.pem").toFile())) {
            magasin.setCertificateEntry("autorite", fabrique.generateCertificate(autorites));
        }
        KeyManagerFactory cles = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        cles.init(magasin, new char[0]);
        TrustManagerFactory confiance = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        confiance.init(magasin);
        SSLContext contexte = SSLContext.getInstance("TLS");
        contexte.init(cles.getKeyManagers(), confiance.getTrustManagers(), null);
        return contexte;
    }

    private static PrivateKey cle(Path pem) throws Exception {
        String corps = Files.readString(pem).replaceAll("-----[^-]+-----|\\s", "");
        return KeyFactory.getInstance("EC").generatePrivate(new PKCS8EncodedKeySpec(Base64.getDecoder().decode(corps)));
    }
}
