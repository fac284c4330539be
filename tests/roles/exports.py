"""Twenty exports as shops, banks, telcos, hotels, surveys and clubs have them, with the roles an expert would choose.

Every value is made up from a seed. The roles were written down before the guess was asked, and are not what it says:

id          tells the customers apart
feature     forms the segments: what people do, spend, earn or answer
describes   says who they are, or what became of them, and stays a descriptor
aside       must be no feature: a code, a score of a model, an earlier segment, a near-copy, remarks, dates ahead
either      experts differ, nobody is wrong

A log names what its columns are of the purchases instead.
"""

from tests.roles.draws import (
    Export,
    alike,
    code,
    count,
    day,
    gaps,
    levels,
    money,
    near,
    of_orders,
    own,
    people,
    ratings,
    score,
    share,
    whole,
    words,
)

YES_NO_DE, SI_NO, OUI_NON = words("ja", "nein"), words("sì", "no"), words("Oui", "Non")

EXPORTS = {
    "shop, German": Export(
        {
            "Kundennr": ("id", code("K")),
            "Anrede": ("describes", words("Frau", "Herr", "Divers", weights=(6, 5, 1))),
            "PLZ": ("aside", whole(10115, 99998)),
            "Bundesland": ("describes", words("Bayern", "Hessen", "Sachsen", "Berlin")),
            "Geburtsjahr": ("describes", whole(1942, 2004)),
            "Kunde seit": ("describes", day("2017-02-01", "2023-06-30", "%d.%m.%Y")),
            "Letzte Bestellung": ("feature", day("2023-07-01", "2024-05-30", "%d.%m.%Y")),
            "Anzahl Bestellungen": ("feature", count(6)),
            "Umsatz (EUR)": ("feature", money(340, mark=",", group=".")),
            "Retourenquote (%)": ("feature", share(60, ",")),
            "Newsletter": ("describes", YES_NO_DE),
            "Bemerkung": ("aside", gaps(own("Anruf Nr. {}"), 0.9)),
        },
        sep=";",
    ),
    "bank, English": Export(
        {
            "RowNumber": ("aside", lambda rng, n, _: [str(i + 1) for i in range(n)]),
            "CustomerId": ("id", code("", 8)),
            "Surname": ("aside", own("Person {}")),
            "CreditScore": ("feature", whole(350, 850)),
            "Geography": ("describes", words("France", "Spain", "Germany")),
            "Gender": ("describes", words("Female", "Male")),
            "Age": ("describes", whole(18, 85)),
            "Balance": ("feature", money(60000)),
            "Monthly transactions": ("feature", count(20)),
            "HasCrCard": ("describes", words("1", "0")),
            "IsActiveMember": ("describes", words("1", "0")),
            "EstimatedSalary": ("feature", money(50000, 0.4)),
            "Exited": ("describes", words("0", "1", weights=(4, 1))),
        },
        rows=400,
    ),
    "telco, French": Export(
        {
            "N° client": ("id", code("C-", 6)),
            "Code postal": ("aside", whole(10000, 95999)),
            "Forfait": ("describes", words("Essentiel", "Confort", "Premium")),
            "Date de souscription": ("describes", day("2016-01-01", "2023-12-31", "%d/%m/%Y")),
            "Minutes d'appel": ("feature", whole(0, 900)),
            "Données (Go)": ("feature", money(12, mark=",")),
            "SMS": ("feature", count(80)),
            "Facture mensuelle (€)": ("feature", money(32, 0.4, mark=",")),
            "Fibre": ("describes", OUI_NON),
            "Résilié": ("describes", words("Non", "Oui", weights=(5, 1))),
        },
        sep=";",
    ),
    "hotel guests, Spanish": Export(
        {
            "Nº huésped": ("id", code("H", 6)),
            "País": ("describes", words("España", "Francia", "Alemania", "Portugal")),
            "Fecha de nacimiento": ("describes", day("1945-01-01", "2003-12-31", "%d/%m/%Y")),
            "Fecha de alta": ("describes", day("2018-01-01", "2022-12-31", "%d/%m/%Y")),
            "Última estancia": ("feature", day("2023-01-01", "2024-03-31", "%d/%m/%Y")),
            "Próxima reserva": ("aside", gaps(day("2025-06-01", "2025-12-31", "%d/%m/%Y"), 0.7)),
            "Noches": ("feature", count(5)),
            "Estancias": ("feature", count(2)),
            "Gasto total (€)": ("feature", money(800, mark=",")),
            "Spa": ("describes", words("Sí", "No")),
        },
        sep=";",
    ),
    "brand survey, Italian": Export(
        {
            "Intervistato": ("id", code("I", 4)),
            **alike("feature", SI_NO, "gustoso", "economico", "veloce", "sano", "grasso", "speziato", "pratico"),
            "Sesso": ("describes", words("F", "M")),
            "Età": ("describes", whole(18, 80)),
            "Regione": ("describes", words("Lazio", "Lombardia", "Puglia")),
        },
        rows=200,
    ),
    "bank, Polish": Export(
        {
            "Nr klienta": ("id", code("KL", 6)),
            "Płeć": ("describes", words("Kobieta", "Mężczyzna")),
            "Kod pocztowy": (
                "aside",
                lambda rng, n, _: [f"{rng.randint(0, 99):02}-{rng.randint(0, 999):03}" for _ in range(n)],
            ),
            "Miasto": ("describes", words("Łódź", "Kraków", "Gdańsk", "Wrocław")),
            "Data otwarcia konta": ("describes", day("2012-01-01", "2023-10-31")),
            "Saldo (zł)": ("feature", money(9000, mark=",", group=" ")),
            "Dochód (zł)": ("feature", money(5200, 0.4, mark=",", group=" ")),
            "Liczba transakcji": ("feature", count(15)),
            "Kredyt hipoteczny": ("describes", words("tak", "nie")),
            "Segment": ("describes", words("Standard", "Premium", "VIP")),
        },
        sep=";",
    ),
    "invoice lines, English": Export(
        {
            "InvoiceNo": (
                "order",
                of_orders(lambda rng, n, _: [("C" if rng.random() < 0.06 else "") + str(536365 + i) for i in range(n)]),
            ),
            "StockCode": ("", words("85123A", "71053", "84406B", "22752", "21730")),
            "Description": ("product", words("LANTERN", "METAL LANTERN", "MUG", "NESTING BOXES")),
            "Quantity": ("quantity", count(8)),
            "InvoiceDate": ("date", of_orders(day("2010-12-01", "2011-12-09", "%m/%d/%Y 8:26"))),
            "UnitPrice": ("price", money(3)),
            "CustomerID": ("customer", of_orders(gaps(people("", 60), 0.1))),
            "Country": ("", words("United Kingdom", "France", weights=(9, 1))),
        },
        rows=900,
        log={
            "customer": "CustomerID",
            "order": "InvoiceNo",
            "date": "InvoiceDate",
            "quantity": "Quantity",
            "price": "UnitPrice",
        },
    ),
    "order lines, German": Export(
        {
            "Auftragsnr": ("order", of_orders(lambda rng, n, _: [f"A{20000 + i}" for i in range(n)])),
            "Auftragsdatum": ("date", of_orders(day("2023-01-02", "2023-12-22", "%d.%m.%Y"))),
            "Kundennummer": ("customer", of_orders(people("K", 60))),
            "Artikel": ("product", words("Lampe", "Becher", "Teller", "Vase")),
            "Menge": ("", count(2)),
            "Betrag": ("amount", money(24, mark=",")),
        },
        rows=600,
        sep=";",
        log={"customer": "Kundennummer", "order": "Auftragsnr", "date": "Auftragsdatum", "amount": "Betrag"},
    ),
    "groceries, French": Export(
        {
            "Numéro de membre": ("customer", people("", 80)),
            "Date": ("date", day("2022-01-01", "2023-12-30", "%d-%m-%Y")),
            "Article": ("product", words("lait", "pain", "beurre", "yaourt", "pommes", "riz")),
        },
        rows=700,
        sep=";",
        log={"customer": "Numéro de membre", "date": "Date"},
    ),
    "young people, English": Export(
        {
            **alike("feature", ratings(), "Music", "Slow songs or fast songs", "Dance", "Folk", "Country", "Classical"),
            **alike(
                "feature",
                gaps(ratings(), 0.02),
                "Rock",
                "Pop",
                "Hiphop, Rap",
                "Horror",
                "Comedy",
                "Fantasy/Fairy tales",
            ),
            **alike("feature", ratings(), "Spiders", "Snakes", "Public speaking", "Finances", "Shopping centres"),
            "Age": ("describes", whole(15, 30)),
            "Height": ("describes", whole(150, 200)),
            "Weight": ("describes", whole(45, 110)),
            "Number of siblings": ("describes", whole(0, 4)),
            "Gender": ("describes", words("female", "male")),
            "Village - town": ("describes", words("city", "village")),
        },
        rows=300,
    ),
    "airline survey, Spanish": Export(
        {
            "id": ("id", code("", 6)),
            "Género": ("describes", words("Mujer", "Hombre")),
            "Edad": ("describes", whole(18, 85)),
            "Tipo de viaje": ("describes", words("Negocios", "Personal")),
            "Distancia de vuelo": ("describes", whole(150, 4900)),
            **alike(
                "feature", ratings(0), "Servicio wifi", "Comodidad del asiento", "Comida y bebida", "Entretenimiento"
            ),
            **alike(
                "feature", ratings(0), "Servicio a bordo", "Espacio para piernas", "Limpieza", "Puerta de embarque"
            ),
            "Retraso de salida (min)": (
                "describes",
                lambda rng, n, _: [str(int(rng.paretovariate(0.8)) - 1) for _ in range(n)],
            ),
            "Satisfacción": ("describes", words("satisfecho", "neutral o insatisfecho")),
        },
        rows=500,
        sep=";",
    ),
    "club, Italian": Export(
        {
            "Numero tessera": ("id", code("T", 4)),
            "E-mail": ("aside", own("socio{}@esempio.it")),
            "Anno di nascita": ("describes", whole(1950, 2006)),
            "Data iscrizione": ("describes", day("2019-01-01", "2023-12-31", "%d/%m/%Y")),
            "Ultimo ingresso": ("feature", day("2024-01-01", "2024-04-30", "%d/%m/%Y")),
            "Scadenza abbonamento": ("aside", day("2024-05-01", "2025-04-30", "%d/%m/%Y")),
            "Ingressi ultimo mese": ("feature", count(6)),
            "Spesa al bar (€)": ("feature", money(18, mark=",")),
            "Corsi frequentati": ("feature", count(14)),
            "Abbonamento": ("describes", words("mensile", "annuale")),
        },
        rows=90,
        sep=";",
    ),
    "museum survey, Polish": Export(
        {
            "Respondent": ("id", code("R", 4)),
            **alike("feature", words("1", "0"), "powód_odpoczynek", "powód_sztuka", "powód_dzieci", "powód_pogoda"),
            **alike("feature", words("1", "0", weights=(1, 3)), "powód_znajomi", "powód_nauka"),
            "wiek": ("describes", whole(16, 79)),
            "województwo": ("describes", words("mazowieckie", "śląskie", "pomorskie")),
            "zadowolenie": ("describes", ratings(1, 10)),
        },
        rows=250,
    ),
    "telco with earlier models, English": Export(
        {
            "Phone": ("aside", own("+44 20 7946 {:04}")),
            "Account": ("id", code("", 7)),
            "Plan": ("describes", words("Basic", "Plus", "Family")),
            "Calls": ("feature", count(60)),
            "Data used (GB)": ("feature", money(9)),
            "Monthly charge ($)": ("feature", money(45, 0.4)),
            "Support tickets": ("feature", count(7)),
            "churn_probability": ("aside", score()),
            "Predicted LTV": ("aside", money(1100)),
            "cluster": ("aside", whole(0, 3)),
            "Churn": ("describes", words("Yes", "No", weights=(1, 3))),
        },
        rows=300,
    ),
    "bank with gaps, German": Export(
        {
            "KundenID": ("id", code("", 6)),
            "Alter": ("describes", whole(18, 88)),
            "Familienstand": ("describes", words("ledig", "verheiratet", "geschieden", "verwitwet")),
            "Girokonto (EUR)": ("feature", money(2100, 0.9, ",", ".")),
            "Sparkonto (EUR)": ("feature", money(8200, 1.0, ",", ".")),
            "Depotwert (EUR)": ("aside", gaps(money(21000, 1.0, ",", "."), 0.45)),
            "Kartenzahlungen pro Monat": ("feature", count(17)),
            "Onlinebanking": ("describes", words("Ja", "Nein", weights=(4, 1))),
            "Bonitätsklasse": ("aside", words("1", "2", "3", "4")),
            "IBAN": ("aside", own("DE02120300000000{:06}")),
        },
        rows=320,
        sep=";",
    ),
    "shop with near-copies, French": Export(
        {
            "Identifiant": ("id", code("FR", 5)),
            "Chiffre d'affaires (€)": ("feature", money(260, mark=",")),
            "Montant en centimes": ("aside", near("Chiffre d'affaires (€)", 100, ",", 0, 0)),
            "Commandes": ("feature", count(5)),
            "Panier moyen (€)": ("feature", money(52, 0.4, mark=",")),
            "Jours depuis dernière commande": ("feature", whole(1, 365)),
            "Civilité": ("describes", words("Mme", "M.")),
            "Carte de fidélité": ("describes", words("oui", "non")),
        },
        sep=";",
    ),
    "recency, frequency, value, Spanish": Export(
        {
            "Cliente": ("id", code("CL", 5)),
            "Recencia": ("feature", whole(1, 400)),
            "Frecuencia": ("feature", count(6)),
            "Monto": ("feature", money(500)),
            "R": ("aside", levels("Recencia")),
            "F": ("aside", levels("Frecuencia")),
            "M": ("aside", levels("Monto")),
            "RFM_Score": (
                "aside",
                lambda rng, n, so_far: [
                    a + b + c for a, b, c in zip(so_far["R"], so_far["F"], so_far["M"], strict=True)
                ],
            ),
            "Segmento": ("describes", words("Campeones", "Leales", "En riesgo", "Perdidos")),
        },
        rows=220,
    ),
    "telco, Turkish": Export(
        {
            "Müşteri No": ("id", code("", 6)),
            "Cinsiyet": ("describes", words("Kadın", "Erkek")),
            "Yaş": ("describes", whole(18, 75)),
            "Şehir": ("describes", words("İstanbul", "Ankara", "İzmir", "Bursa")),
            "Evli": ("describes", words("Evet", "Hayır")),
            "Kayıt tarihi": ("describes", day("2015-01-01", "2023-12-31", "%d.%m.%Y")),
            "Aylık gelir (TL)": ("feature", money(31000, 0.4, ",", ".")),
            "Fatura tutarı (TL)": ("feature", money(420, 0.4, ",")),
            "Konuşma süresi (dk)": ("feature", whole(10, 1500)),
        },
        sep=";",
    ),
    "shop, Chinese": Export(
        {
            "会员编号": ("id", code("M", 6)),
            "性别": ("describes", words("男", "女")),
            "年龄": ("describes", whole(18, 70)),
            "城市": ("describes", words("北京", "上海", "广州", "成都")),
            "注册日期": ("describes", day("2018-01-01", "2022-12-31", "%Y/%m/%d")),
            "最近购买日期": ("feature", day("2023-01-01", "2023-12-31", "%Y/%m/%d")),
            "购买次数": ("feature", count(9)),
            "年消费金额(元)": ("feature", money(3600)),
            "是否会员": ("describes", words("是", "否")),
        },
    ),
    "hotel bookings, English": Export(
        {
            "Booking No": ("order", code("B", 6)),
            "Guest ID": ("customer", people("G", 70)),
            "Booking date": ("date", day("2022-01-01", "2023-12-31", "%d-%b-%Y")),
            "Room type": ("product", words("Single", "Double", "Suite")),
            "Nights": ("", count(2)),
            "Total": ("amount", money(310)),
            "Status": ("", words("Stayed", "Cancelled", weights=(9, 1))),
        },
        rows=400,
        log={"customer": "Guest ID", "order": "Booking No", "date": "Booking date", "amount": "Total"},
    ),
}
