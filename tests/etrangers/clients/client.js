// node-soap, knowing the WSDL only.
// node client.js WSDL CERTIFICATS ECHANGE MTOM: reads the files of ECHANGE, writes there what the hub answered.
// MTOM is "mtom" or "base64". The package is found by NODE_PATH.
'use strict';
const fs = require('node:fs');
const https = require('node:https');
const path = require('node:path');
const axios = require('axios');
const soap = require('soap');

const [wsdl, certificats, echange, mode] = process.argv.slice(2);
const mtom = mode === 'mtom';
const pem = (nom) => fs.readFileSync(path.join(certificats, nom));
const lire = (nom) => fs.readFileSync(path.join(echange, nom));
const ecrire = (nom, contenu) => fs.writeFileSync(path.join(echange, nom), contenu);

const tls = { key: pem('key.pem'), cert: pem('cert.pem'), ca: pem('ca.pem') };

// node-soap writes neither the reference nor the part by itself: the caller gives both.
function include(identifiant) {
  return {
    'xop:Include': {
      attributes: { 'xmlns:xop': 'http://www.w3.org/2004/08/xop/include', href: `cid:${identifiant}` },
    },
  };
}

function fichier(nom, options) {
  if (!mtom) return lire(nom).toString('base64');
  options.attachments = [
    { mimetype: 'text/xml', contentId: 'demande@client', name: nom, body: lire(nom) },
  ];
  return include('demande@client');
}

// Nor does it put the parts back in their places: the caller follows the reference.
function recu(champ, pieces) {
  if (!mtom) return Buffer.from(champ.$value ?? champ, 'base64');
  const href = champ.Include.attributes.href.slice('cid:'.length);
  const piece = pieces.parts.find((part) => part.headers['content-id'] === `<${href}>`);
  return piece.body;
}

async function main() {
  const client = await soap.createClientAsync(wsdl, {
    forceSoap12Headers: true,
    parseResponseAttachments: mtom,
    request: axios.create({ httpsAgent: new https.Agent(tls) }),
  });

  async function appeler(operation, parametres, options) {
    const [reponse, , , envoye, pieces] = await client[`${operation}Async`](parametres, options);
    return [reponse, pieces, envoye];
  }

  function enregistrer(nom) {
    const options = mtom ? { forceMTOM: true } : {};
    return appeler(
      'getNumUnique',
      {
        nomFichierDemande: 'DEMG1104-202601010000-000001.xml',
        fichierDemande: fichier(nom, options),
        nomCertificat: '',
        certificat: '',
      },
      options,
    );
  }

  let [reponse, pieces, envoye] = await enregistrer('demande.xml');
  const document = recu(reponse.fichierDemande, pieces);
  ecrire('enregistrer', document);
  ecrire('requete', envoye);

  const numUnique = /<ns1:numUnique>([^<]+)</.exec(document.toString())[1];
  const options = mtom ? { forceMTOM: true } : {};
  [reponse, pieces] = await appeler(
    'getDemandeLogement',
    { numUnique, nomCertificat: '', certificat: '' },
    options,
  );
  ecrire('lire', recu(reponse.fichierDemande, pieces));

  const avec = mtom ? { forceMTOM: true } : {};
  [reponse, pieces] = await appeler(
    'getDoublons',
    { nomFichierDemande: 'DEM.xml', fichierDemande: fichier('demande.xml', avec) },
    avec,
  );
  ecrire('doublons', recu(reponse.listeDoublons, pieces));

  [reponse, pieces] = await enregistrer('anomalie.xml');
  ecrire('anomalie', recu(reponse.fichierDemande, pieces));

  try {
    await enregistrer('illisible.xml');
  } catch (erreur) {
    ecrire('message', erreur.message);
    const faute = erreur.root.Envelope.Body.Fault;
    ecrire('detail', JSON.stringify(faute));
    ecrire('faute', faute.Reason.Text.$value ?? faute.Reason.Text);
  }
}

main().catch((erreur) => {
  console.error(erreur.stack ?? erreur, erreur.body ?? '');
  process.exit(1);
});
