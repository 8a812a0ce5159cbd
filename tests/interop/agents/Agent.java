// Bouncy Castle as an agent: one order a line on standard input (its words separated by tabulations),
// one answer a line on standard output, "ok" or "erreur" and why.
//   version
//   signer      PROFIL CERTIFICAT CLEF AUTORITE ENTREE SORTIE
//   verifier    AUTORITE ENTREE SORTIE
//   chiffrer    PROFIL CERTIFICAT ENTREE SORTIE
//   dechiffrer  CERTIFICAT CLEF ENTREE SORTIE

import java.io.BufferedReader;
import java.io.FileReader;
import java.io.InputStreamReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.Security;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.MGF1ParameterSpec;
import java.util.Collection;
import java.util.List;
import javax.crypto.spec.OAEPParameterSpec;
import javax.crypto.spec.PSource;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.cms.CMSObjectIdentifiers;
import org.bouncycastle.asn1.cms.ContentInfo;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.pkcs.PrivateKeyInfo;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.jcajce.JcaCertStore;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cms.CMSAlgorithm;
import org.bouncycastle.cms.CMSAuthEnvelopedData;
import org.bouncycastle.cms.CMSAuthEnvelopedDataGenerator;
import org.bouncycastle.cms.CMSEnvelopedData;
import org.bouncycastle.cms.CMSEnvelopedDataGenerator;
import org.bouncycastle.cms.CMSEnvelopedGenerator;
import org.bouncycastle.cms.CMSProcessableByteArray;
import org.bouncycastle.cms.CMSSignedData;
import org.bouncycastle.cms.CMSSignedDataGenerator;
import org.bouncycastle.cms.RecipientInformation;
import org.bouncycastle.cms.SignerInformation;
import org.bouncycastle.cms.jcajce.JcaSimpleSignerInfoGeneratorBuilder;
import org.bouncycastle.cms.jcajce.JcaSimpleSignerInfoVerifierBuilder;
import org.bouncycastle.cms.jcajce.JceCMSContentEncryptorBuilder;
import org.bouncycastle.cms.jcajce.JceKeyAgreeEnvelopedRecipient;
import org.bouncycastle.cms.jcajce.JceKeyAgreeRecipientInfoGenerator;
import org.bouncycastle.cms.jcajce.JceKeyTransAuthEnvelopedRecipient;
import org.bouncycastle.cms.jcajce.JceKeyTransEnvelopedRecipient;
import org.bouncycastle.cms.jcajce.JceKeyTransRecipientInfoGenerator;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.openssl.PEMParser;
import org.bouncycastle.openssl.jcajce.JcaPEMKeyConverter;
import org.bouncycastle.operator.OutputAEADEncryptor;
import org.bouncycastle.operator.jcajce.JcaAlgorithmParametersConverter;

public class Agent {
    public static void main(String[] args) throws Exception {
        Security.addProvider(new BouncyCastleProvider());
        BufferedReader orders = new BufferedReader(new InputStreamReader(System.in));
        for (String order; (order = orders.readLine()) != null; ) {
            try {
                System.out.println("ok " + obey(order.split("\t")));
            } catch (Exception error) {
                System.out.println("erreur " + String.valueOf(error).replace("\n", " "));
            }
        }
    }

    private static String obey(String[] w) throws Exception {
        switch (w[0]) {
            case "version":
                return new BouncyCastleProvider().getVersionStr() + ", Java " + System.getProperty("java.version");
            case "signer":
                write(w[6], sign(w[1], certificate(w[2]), key(w[3]), certificate(w[4]), read(w[5])));
                return "";
            case "verifier":
                write(w[3], verify(certificate(w[1]), read(w[2])));
                return "";
            case "chiffrer":
                write(w[4], encrypt(w[1], certificate(w[2]), read(w[3])));
                return "";
            case "dechiffrer":
                write(w[4], decrypt(certificate(w[1]), key(w[2]), read(w[3])));
                return "";
            default:
                throw new IllegalArgumentException(w[0]);
        }
    }

    private static byte[] sign(
            String profil, X509Certificate own, PrivateKey key, X509Certificate authority, byte[] data)
            throws Exception {
        String digest = profil.equals("ancien") ? "SHA1" : "SHA256";
        String algorithm = key.getAlgorithm().equals("RSA")
                ? digest + (profil.equals("moderne") ? "withRSAandMGF1" : "withRSA")
                : digest + "withECDSA";
        CMSSignedDataGenerator generator = new CMSSignedDataGenerator();
        generator.addSignerInfoGenerator(
                new JcaSimpleSignerInfoGeneratorBuilder().setProvider("BC").build(algorithm, key, own));
        generator.addCertificates(new JcaCertStore(List.of(own, authority)));
        return generator.generate(new CMSProcessableByteArray(data), true).getEncoded();
    }

    private static byte[] verify(X509Certificate authority, byte[] message) throws Exception {
        CMSSignedData signed = new CMSSignedData(message);
        Collection<SignerInformation> signers = signed.getSignerInfos().getSigners();
        if (signers.isEmpty()) {
            throw new SecurityException("aucun signataire");
        }
        for (SignerInformation signer : signers) {
            @SuppressWarnings("unchecked")
            Collection<X509CertificateHolder> found = signed.getCertificates().getMatches(signer.getSID());
            X509Certificate own = new JcaX509CertificateConverter().getCertificate(found.iterator().next());
            own.verify(authority.getPublicKey());
            own.checkValidity();
            if (!signer.verify(new JcaSimpleSignerInfoVerifierBuilder().setProvider("BC").build(own))) {
                throw new SecurityException("signature fausse");
            }
        }
        return (byte[]) signed.getSignedContent().getContent();
    }

    private static byte[] encrypt(String profil, X509Certificate recipient, byte[] data) throws Exception {
        boolean modern = profil.equals("moderne");
        ASN1ObjectIdentifier cipher = modern
                ? CMSAlgorithm.AES256_GCM
                : profil.equals("ancien") ? CMSAlgorithm.DES_EDE3_CBC : CMSAlgorithm.AES256_CBC;
        CMSEnvelopedGenerator generator =
                modern ? new CMSAuthEnvelopedDataGenerator() : new CMSEnvelopedDataGenerator();
        if (recipient.getPublicKey().getAlgorithm().equals("RSA")) {
            generator.addRecipientInfoGenerator(modern
                    ? new JceKeyTransRecipientInfoGenerator(
                            recipient,
                            new JcaAlgorithmParametersConverter()
                                    .getAlgorithmIdentifier(
                                            PKCSObjectIdentifiers.id_RSAES_OAEP,
                                            new OAEPParameterSpec(
                                                    "SHA-256",
                                                    "MGF1",
                                                    MGF1ParameterSpec.SHA256,
                                                    PSource.PSpecified.DEFAULT)))
                            .setProvider("BC")
                    : new JceKeyTransRecipientInfoGenerator(recipient).setProvider("BC"));
        } else {
            KeyPairGenerator pairs = KeyPairGenerator.getInstance("EC", "BC");
            pairs.initialize(new ECGenParameterSpec("P-256"));
            KeyPair pair = pairs.generateKeyPair();
            generator.addRecipientInfoGenerator(
                    new JceKeyAgreeRecipientInfoGenerator(
                                    modern ? CMSAlgorithm.ECDH_SHA256KDF : CMSAlgorithm.ECDH_SHA1KDF,
                                    pair.getPrivate(),
                                    pair.getPublic(),
                                    modern ? CMSAlgorithm.AES256_WRAP : CMSAlgorithm.AES128_WRAP)
                            .addRecipient(recipient)
                            .setProvider("BC"));
        }
        CMSProcessableByteArray content = new CMSProcessableByteArray(data);
        JceCMSContentEncryptorBuilder encryptor = new JceCMSContentEncryptorBuilder(cipher).setProvider("BC");
        return modern
                ? ((CMSAuthEnvelopedDataGenerator) generator)
                        .generate(content, (OutputAEADEncryptor) encryptor.build())
                        .getEncoded()
                : ((CMSEnvelopedDataGenerator) generator).generate(content, encryptor.build()).getEncoded();
    }

    private static byte[] decrypt(X509Certificate own, PrivateKey key, byte[] message) throws Exception {
        boolean authenticated =
                ContentInfo.getInstance(message).getContentType().equals(CMSObjectIdentifiers.authEnvelopedData);
        RecipientInformation found = (authenticated
                        ? new CMSAuthEnvelopedData(message).getRecipientInfos()
                        : new CMSEnvelopedData(message).getRecipientInfos())
                .getRecipients()
                .iterator()
                .next();
        if (!key.getAlgorithm().equals("RSA")) {
            if (authenticated) {
                throw new UnsupportedOperationException("ECDH avec AuthEnvelopedData : pas offert par 1.72");
            }
            return found.getContent(new JceKeyAgreeEnvelopedRecipient(key).setProvider("BC"));
        }
        return found.getContent(
                authenticated
                        ? new JceKeyTransAuthEnvelopedRecipient(key).setProvider("BC")
                        : new JceKeyTransEnvelopedRecipient(key).setProvider("BC"));
    }

    private static X509Certificate certificate(String file) throws Exception {
        try (PEMParser parser = new PEMParser(new FileReader(file))) {
            return new JcaX509CertificateConverter().getCertificate((X509CertificateHolder) parser.readObject());
        }
    }

    private static PrivateKey key(String file) throws Exception {
        try (PEMParser parser = new PEMParser(new FileReader(file))) {
            return new JcaPEMKeyConverter().getPrivateKey((PrivateKeyInfo) parser.readObject());
        }
    }

    private static byte[] read(String file) throws Exception {
        return Files.readAllBytes(Path.of(file));
    }

    private static void write(String file, byte[] data) throws Exception {
        Files.write(Path.of(file), data);
    }
}
