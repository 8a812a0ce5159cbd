-- One week closed by the product becomes those of a year.

INSERT INTO infocentre_arrete SELECT to_char(arrete_le - make_interval(weeks => n), 'IYYY-"W"IW'),
    arrete_le - make_interval(weeks => n), depuis_sequence, sequence, empreinte
    FROM infocentre_arrete CROSS JOIN generate_series(2, %(semaines)s) AS n WHERE semaine = %(semaine)s
    ON CONFLICT DO NOTHING;

INSERT INTO infocentre_ligne SELECT a.semaine, l.tableau, l.territoire, l.modalite, l.nombre
    FROM infocentre_arrete a CROSS JOIN infocentre_ligne l WHERE l.semaine = %(semaine)s
    ON CONFLICT DO NOTHING;

-- Those that did nothing in the stock did something in a country.
INSERT INTO infocentre_qualite SELECT a.semaine, g.code, q.indicateur,
        q.nombre * (50 + abs(hashtext(g.code || a.semaine)) %% 50) / 100, q.base
    FROM infocentre_arrete a CROSS JOIN guichet g JOIN infocentre_qualite q
        ON q.semaine = %(semaine)s AND q.guichet = %(agent)s
    ON CONFLICT DO NOTHING;
