-- What a year of a whole country leaves beside the demandes (bench/pages_monde.py gives the parameters).

-- UUID version 7 of an instant, as soap.correlation makes them; n tells two of a millisecond apart.
CREATE OR REPLACE FUNCTION banc_uuid7(le timestamptz, n bigint) RETURNS uuid LANGUAGE sql
IMMUTABLE AS $$ SELECT (left(m, 8) || '-' || right(m, 4) || '-7' || substr(h, 1, 3) || '-8'
    || substr(h, 4, 3) || '-' || substr(h, 7, 12))::uuid
FROM (SELECT lpad(to_hex((extract(epoch FROM le) * 1000)::bigint), 12, '0') AS m, md5(n::text) AS h) x $$;

INSERT INTO certificat (empreinte, guichet, sujet, valide_du, valide_au, pem, enregistre_le, retire_le)
SELECT md5(g.code || r) || md5(r || g.code), g.code, 'CN=' || g.code, %(le)s::timestamptz - interval '2 years',
    %(le)s::timestamptz + make_interval(days => 5 + abs(hashtext(g.code || r)) %% 700), modele.pem,
    %(le)s::timestamptz - interval '1 year',
    CASE WHEN r = '2' THEN %(le)s::timestamptz - interval '30 days' END
FROM guichet g CROSS JOIN unnest(ARRAY['1', '2']) AS r
CROSS JOIN (SELECT pem FROM certificat LIMIT 1) AS modele ON CONFLICT DO NOTHING;

INSERT INTO compte (id, courriel, nom, profil, guichet, cree_le, cree_par, certifie_le, certifie_par)
SELECT gen_random_uuid(), lower(g.code) || '.' || n || '@exemple.fr', 'Agent ' || n, 'guichet', g.code,
    %(le)s::timestamptz - interval '1 year', 'banc', %(le)s::timestamptz - interval '40 days', 'banc'
FROM guichet g CROSS JOIN generate_series(1, 5) AS n;

INSERT INTO session_console (empreinte, compte, ouverte_le, vue_le, expire_le, moyen, adresse, navigateur)
SELECT sha256(c.id::text::bytea || n::text::bytea), c.id, le, le, le + interval '10 hours', 'mot_de_passe',
    '192.0.2.1', 'Mozilla/5.0'
FROM compte c CROSS JOIN generate_series(0, 20) AS n,
    LATERAL (SELECT %(le)s::timestamptz - make_interval(days => n, mins => 10) AS le) x;

INSERT INTO acte_console (fait_le, compte, acte, objet, echange, refus)
SELECT %(le)s::timestamptz - (%(actes)s - n)::float8 * interval '30 seconds', c.id, 'activer un filtre', 'Essai',
    gen_random_uuid(), CASE WHEN n %% 20 = 0 THEN 'CON104' ELSE '' END
FROM generate_series(1, %(actes)s::bigint) AS n
JOIN (SELECT id, row_number() OVER () AS rang FROM compte) AS c
    ON c.rang = 1 + (n * 7919) %% (SELECT count(*) FROM compte);

-- Three exchanges in four read; of the others some are refused, few fail.
INSERT INTO echange (id, guichet, certificat, canal, operation, recu_le, taille, empreinte, statut, code,
    numero, termine_le)
SELECT banc_uuid7(le, n), g.code, repeat('0', 64), 'soap',
    CASE WHEN n %% 4 = 0 THEN 'getNumUnique' ELSE 'getDemandeLogement' END, le, 900 + n %% 4000,
    sha256(n::text::bytea), s.statut,
    CASE s.statut WHEN 'refuse' THEN (ARRAY['ENR012', 'XSD001', 'DRT001', 'ENR031'])[1 + n / 33 %% 4]
        WHEN 'echec' THEN 'INT001' END,
    CASE WHEN s.statut = 'accepte' THEN d.numero END, le + make_interval(secs => 0.02 + (n %% 97) / 500.0)
FROM generate_series(1, %(echanges)s::bigint) AS n
CROSS JOIN LATERAL (SELECT %(le)s::timestamptz - interval '1 minute' - n * (interval '14 days' / %(echanges)s)
    AS le) AS i
CROSS JOIN LATERAL (SELECT CASE WHEN n %% 33 = 0 THEN 'refuse' WHEN n %% 2003 = 0 THEN 'echec'
    WHEN n %% 151 = 0 THEN 'rejeu' ELSE 'accepte' END AS statut) AS s
JOIN (SELECT code, row_number() OVER (ORDER BY code) AS rang FROM guichet) AS g
    ON g.rang = 1 + CASE WHEN n %% 10 = 0 THEN n %% 40 ELSE (n * 7919) %% (SELECT count(*) FROM guichet) END
LEFT JOIN (SELECT numero, row_number() OVER () AS rang FROM (
    SELECT numero FROM demande LIMIT 20000) AS x) AS d ON d.rang = 1 + n %% 20000;

INSERT INTO trace_lecture (lue_le, guichet, certificat, profil, utilisateur, canal, operation, echange, numeros)
SELECT recu_le, guichet, certificat, 'guichet', 'agent', canal, operation, id, ARRAY[numero]
FROM echange WHERE operation = 'getDemandeLogement' AND numero IS NOT NULL ORDER BY id;

INSERT INTO courrier_entrant (id, source, expediteur, message_id, recu_le, taille, empreinte, etat,
    prochaine_tentative, nature, guichet, contenu, fichiers, code, motif, termine_le)
SELECT banc_uuid7(le, n), 'smtp', 'robot@exemple.fr', '<' || n || '@exemple.fr>', le, 4000,
    sha256(n::text::bytea), CASE WHEN n %% 50 = 0 THEN 'quarantaine' ELSE 'traite' END, le, 'fichiers',
    CASE WHEN n %% 500 <> 0 THEN g.code END, sha256(n::text::bytea), 1,
    CASE WHEN n %% 50 = 0 THEN 'COU004' ELSE '' END, CASE WHEN n %% 50 = 0 THEN 'signature' ELSE '' END,
    le + interval '1 second'
FROM generate_series(1, %(courriers)s::bigint) AS n
CROSS JOIN LATERAL (SELECT %(le)s::timestamptz - n * (interval '60 days' / %(courriers)s) AS le) AS i
JOIN (SELECT code, row_number() OVER (ORDER BY code) AS rang FROM guichet) AS g ON g.rang = 1 + n %% 160;

INSERT INTO courrier_fichier (courrier, rang, nom, empreinte, operation, echange, verdict)
SELECT id, 1, 'fichier.xml', empreinte, 'getNumUnique', banc_uuid7(recu_le, 1 + hashtext(message_id)),
    'ACCEPTE' FROM courrier_entrant;

-- What waits and what failed, of demandes of everywhere: few guichets are silent and have most of it.
INSERT INTO courrier_sortant (id, guichet, nature, entrant, partie, parties, empreinte, etat,
    accuse_attendu, cree_le, termine_le)
SELECT banc_uuid7(recu_le + interval '2 seconds', hashtext(message_id)), guichet, 'reponse', id, 1, 1,
    empreinte, CASE WHEN hashtext(message_id) %% 200 = 0 THEN 'echec' ELSE 'acquitte' END, true,
    recu_le + interval '2 seconds', recu_le + interval '1 minute'
FROM courrier_entrant WHERE guichet IS NOT NULL;

INSERT INTO distribution (id, guichet, sequence, numero, version, nature, raison, cree_le, etat,
    prochaine_tentative, tentatives, differee, termine_le, cause)
SELECT banc_uuid7(le, hashtext(p.code)::bigint * 1000003 + n), p.code, coalesce(c.dernier, 0) + n, v.numero, v.version, 'MOD', 'filtre', le,
    CASE WHEN n <= p.echecs THEN 'echec' ELSE 'en_attente' END, le + interval '1 hour', 3, n %% 2 = 0,
    CASE WHEN n <= p.echecs THEN le + interval '1 day' END,
    CASE WHEN n <= p.echecs THEN (ARRAY['refus', 'delai'])[1 + n %% 2] END
FROM (
    SELECT code, rang,
        CASE WHEN rang <= 3 THEN %(muet)s WHEN rang <= 60 THEN 2000 WHEN rang <= 300 THEN 1 + rang %% 150 ELSE 3 END
            + CASE WHEN rang %% 3 = 0 THEN 150 ELSE 0 END AS nombre,
        CASE WHEN rang %% 3 = 0 THEN 150 ELSE 0 END AS echecs
    FROM (SELECT code, row_number() OVER (ORDER BY code <> %(agent)s, md5(code)) + 59 AS rang FROM guichet
        WHERE code LIKE 'B%%' UNION ALL
        SELECT code, row_number() OVER (ORDER BY md5(code)) FROM guichet WHERE code LIKE 'G%%') AS g
    WHERE rang <= 600
) AS p
CROSS JOIN LATERAL generate_series(1, p.nombre) AS n
LEFT JOIN compteur_distribution c ON c.guichet = p.code
CROSS JOIN LATERAL (SELECT %(le)s::timestamptz - (p.nombre - n) * (interval '20 days' / p.nombre) AS le) AS i
JOIN (SELECT numero, version, row_number() OVER () AS rang FROM (
    SELECT numero, version FROM demande LIMIT 50000) AS x) AS v ON v.rang = 1 + (n * 31 + p.rang) %% 50000;

INSERT INTO compteur_distribution SELECT guichet, max(sequence) FROM distribution
    WHERE etat <> 'acquittee' GROUP BY guichet
    ON CONFLICT (guichet) DO UPDATE SET dernier = greatest(compteur_distribution.dernier, excluded.dernier);

INSERT INTO tentative (distribution, rang, commencee_le, porteur, terminee_le, issue, detail)
    SELECT id, n, cree_le + n * interval '1 hour', 1, cree_le + n * interval '1 hour 1 second', 'delai',
    'pas de réponse' FROM distribution CROSS JOIN generate_series(1, 3) AS n WHERE etat = 'echec';

INSERT INTO disjoncteur (guichet, canal, echecs, ouvert_le, suspendu_jusqu_a, cause, detail, maj_le)
    SELECT code, 'push', 12, %(le)s::timestamptz - interval '3 hours', %(le)s::timestamptz + interval '5 minutes',
    'injoignable', 'connexion refusée', %(le)s FROM guichet ORDER BY code <> %(agent)s, md5(code) LIMIT 40;

INSERT INTO incident_remise (guichet, canal, genre, le, detail)
    SELECT g.code, 'push', CASE WHEN n %% 2 = 0 THEN 'ouverture' ELSE 'fermeture' END,
    %(le)s::timestamptz - (20000 - n) * interval '10 minutes', 'connexion refusée'
    FROM generate_series(1, 20000) AS n
    JOIN (SELECT code, row_number() OVER (ORDER BY md5(code)) AS rang FROM guichet) AS g ON g.rang = 1 + n %% 300;

INSERT INTO manifeste (guichet, jour, rang, etabli_le, apres, nombre, empreinte, octets, lignes)
    SELECT g.code, CAST(%(le)s::timestamptz AS date) - n, 366 - n, %(le)s::timestamptz - make_interval(days => n), 0, 40,
    sha256(g.code::bytea), decode(repeat('30', 3000), 'hex'), decode(repeat('00', 1960), 'hex')
    FROM generate_series(1, 365) AS n, guichet g WHERE code LIKE 'B%%' OR code LIKE 'G11%%';

INSERT INTO piece (id, numero, categorie, nom, type, taille, empreinte, marque, guichet, depose_le, sequence_journal)
SELECT banc_uuid7(%(le)s::timestamptz - n * interval '1 second', n), d.numero, m.categorie, m.nom, m.type, m.taille,
    sha256(n::text::bytea), m.marque, m.guichet, %(le)s::timestamptz - n * interval '1 second', m.sequence_journal
FROM (SELECT numero, row_number() OVER () AS n FROM demande LIMIT %(pieces)s) AS d
CROSS JOIN (SELECT * FROM piece LIMIT 1) AS m;
