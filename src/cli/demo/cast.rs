//! The invented people of the demo, in the dialects of several phones.

/// What the phone holds at first: file name and content. One file is an export of an old phone (vCard 2.1), one
/// has a label of an iPhone, one is vCard 4.0; nobody in them exists.
pub(super) const ON_THE_PHONE: [(&str, &str); 9] = [
    (
        "zoe.vcf",
        "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:demo-zoe\r\nN:Ångström;Zoë;;;\r\nFN:Zoë Ångström\r\n\
         TEL;TYPE=CELL:+46 70 123 45 67\r\nEND:VCARD\r\n",
    ),
    (
        "bo.vcf",
        "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:demo-bo\r\nN:李;博;;;\r\nFN:李博\r\nTEL;TYPE=CELL:+86 138 0013 8000\r\n\
         item1.EMAIL:bo@example.org\r\nitem1.X-ABLabel:Studio\r\nEND:VCARD\r\n",
    ),
    (
        "juergen.vcf",
        "BEGIN:VCARD\r\nVERSION:2.1\r\nN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:M=C3=BCller;J=C3=BCrgen;;;\r\n\
         FN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:J=C3=BCrgen=20M=C3=BCller\r\nTEL;CELL:0170 5550123\r\nEND:VCARD\r\n",
    ),
    (
        "layla.vcf",
        "BEGIN:VCARD\r\nVERSION:4.0\r\nUID:demo-layla\r\nFN:ليلى حداد\r\nN:حداد;ليلى;;;\r\n\
         TEL;TYPE=cell:+961 3 555 010\r\nEND:VCARD\r\n",
    ),
    (
        "maria.vcf",
        "BEGIN:VCARD\r\nVERSION:3.0\r\nN:Silva;Maria;;;\r\nFN:Maria Silva\r\nTEL;TYPE=CELL:+351 912 555 001\r\n\
         NOTE:bakery\\, closed on Mondays\r\nEND:VCARD\r\n",
    ),
    (
        "nikos.vcf",
        "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:demo-nikos\r\nN:Παππάς;Νίκος;;;\r\nFN:Νίκος Παππάς\r\n\
         TEL;TYPE=HOME:+30 210 555 0100\r\nEND:VCARD\r\n",
    ),
    (
        "olga.vcf",
        "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:demo-olga\r\nN:Petrenko;Olha;;;\r\nFN:Olha Petrenko\r\n\
         TEL;TYPE=CELL:+380 50 555 0100\r\nEND:VCARD\r\n",
    ),
    (
        "sam.vcf",
        "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:demo-sam\r\nN:Okafor;Sam;;;\r\nFN:Sam Okafor\r\n\
         TEL;TYPE=WORK:+234 1 555 0100\r\nEND:VCARD\r\n",
    ),
    (
        "taxi.vcf",
        "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:demo-taxi\r\nN:;Taxi;;;\r\nFN:Taxi\r\nTEL:555 0199\r\nEND:VCARD\r\n",
    ),
];

/// What the PC holds at first. Maria is the phone's Maria: no UID in common, but the name and the number.
pub(super) const ON_THE_PC: [&str; 3] = [
    "BEGIN:VCARD\r\nVERSION:4.0\r\nUID:urn:uuid:0d1f4b5e-4f5c-4c38-9a0e-7f4dbb3c0a01\r\nFN:Maria Silva\r\nN:Silva;Maria;;;\r\n\
     TEL;TYPE=cell:+351912555001\r\nEMAIL:maria@example.org\r\nEND:VCARD\r\n",
    "BEGIN:VCARD\r\nVERSION:4.0\r\nUID:demo-zoe\r\nFN:Zoë Ångström\r\nN:Ångström;Zoë;;;\r\n\
     TEL;TYPE=cell:+46 70 123 45 67\r\nEND:VCARD\r\n",
    "BEGIN:VCARD\r\nVERSION:4.0\r\nUID:urn:uuid:5b1a6f0e-8a53-4c07-9b5e-2f0f6f0c0a02\r\nFN:Ada Byron\r\nN:Byron;Ada;;;\r\n\
     TEL;TYPE=work:+44 20 7946 0001\r\nTITLE:Analyst\r\nEND:VCARD\r\n",
];

/// Added on the PC while the cable is bad.
pub(super) const LATE_ARRIVALS: [&str; 3] = [
    "BEGIN:VCARD\r\nVERSION:4.0\r\nUID:demo-ines\r\nFN:Inés Vega\r\nN:Vega;Inés;;;\r\nTEL:+34 600 555 001\r\nEND:VCARD\r\n",
    "BEGIN:VCARD\r\nVERSION:4.0\r\nUID:demo-kofi\r\nFN:Kofi Mensah\r\nN:Mensah;Kofi;;;\r\nTEL:+233 20 555 0001\r\nEND:VCARD\r\n",
    "BEGIN:VCARD\r\nVERSION:4.0\r\nUID:demo-yuki\r\nFN:山田 由紀\r\nN:山田;由紀;;;\r\nTEL:+81 90 5550 0001\r\nEND:VCARD\r\n",
];

/// What the second phone's app writes, card by card, and at last a contact that is new on the PC.
pub(super) const BACKED_UP: [&str; 3] = [
    "BEGIN:VCARD\r\nVERSION:4.0\r\nPRODID:ez-vcard 0.12.1\r\nFN:Ada Byron\r\nN:Byron;Ada;;;\r\n\
     TEL;TYPE=cell:+44 7700 900001\r\nEND:VCARD\r\n",
    "BEGIN:VCARD\r\nVERSION:4.0\r\nPRODID:ez-vcard 0.12.1\r\nFN:Bo Svensson\r\nN:Svensson;Bo;;;\r\n\
     TEL;TYPE=cell:+46 70 555 01 02\r\nEND:VCARD\r\n",
    "BEGIN:VCARD\r\nVERSION:4.0\r\nPRODID:ez-vcard 0.12.1\r\nFN:Cleo Marin\r\nN:Marin;Cleo;;;\r\n\
     TEL;TYPE=cell:+33 6 55 50 01 03\r\nEND:VCARD\r\n",
];
