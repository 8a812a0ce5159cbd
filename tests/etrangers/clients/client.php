<?php
// PHP's own SoapClient, knowing the WSDL only.
// php client.php WSDL CERTIFICATS ECHANGE: reads the files of ECHANGE, writes there what the hub answered.
[, $wsdl, $certificats, $echange] = $argv;

// local_cert wants the certificate and the key in one file, unless local_pk is given: it is.
$contexte = stream_context_create(['ssl' => [
    'local_cert' => "$certificats/cert.pem",
    'local_pk' => "$certificats/key.pem",
    'cafile' => "$certificats/ca.pem",
    'verify_peer' => true,
    'verify_peer_name' => true,
]]);
$client = new SoapClient($wsdl, [
    'soap_version' => SOAP_1_2,
    'stream_context' => $contexte,
    'cache_wsdl' => WSDL_CACHE_NONE,
    'trace' => true,
]);

function ecrire(string $nom, string $texte): void
{
    global $echange;
    file_put_contents("$echange/$nom", $texte);
}

function fichier(string $nom): array
{
    global $echange;
    return ['_' => file_get_contents("$echange/$nom")];
}

function enregistrer(SoapClient $client, string $nom): object
{
    return $client->getNumUnique([
        'nomFichierDemande' => 'DEMG1104-202601010000-000001.xml',
        'fichierDemande' => fichier($nom),
        'nomCertificat' => '',
        'certificat' => ['_' => '', 'contentType' => 'application/x-x509-ca-cert'],
    ]);
}

$reponse = enregistrer($client, 'demande.xml')->fichierDemande->_;
ecrire('enregistrer', $reponse);
ecrire('requete', $client->__getLastRequestHeaders() . $client->__getLastRequest());

preg_match('~<ns1:numUnique>([^<]+)</ns1:numUnique>~', $reponse, $trouve);
$numero = $trouve[1];
ecrire('lire', $client->getDemandeLogement([
    'numUnique' => $numero,
    'nomCertificat' => '',
    'certificat' => ['_' => ''],
])->fichierDemande->_);

ecrire('doublons', $client->getDoublons([
    'nomFichierDemande' => 'DEM.xml',
    'fichierDemande' => fichier('demande.xml'),
])->listeDoublons->_);

ecrire('anomalie', enregistrer($client, 'anomalie.xml')->fichierDemande->_);

try {
    enregistrer($client, 'illisible.xml');
} catch (SoapFault $faute) {
    ecrire('faute', $faute->getMessage());
    ecrire('sous-code', (string) ($faute->faultcode ?? ''));
    ecrire('detail', json_encode($faute->detail));
}
