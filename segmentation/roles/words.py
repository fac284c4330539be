"""What the name of a column says that it is, in the languages of the tables that people have.

Every pattern is of a header as `spelt` writes it: small letters without accents, words joined by a line.
"""

import re
import unicodedata

LETTERS = str.maketrans({"ı": "i", "ł": "l", "ß": "ss", "ø": "o", "đ": "d", "æ": "ae", "œ": "oe", "№": "no", "°": "o"})


def spelt(header: str) -> str:
    """Return a header as the patterns have it: "MüşteriID" is musteri_id, "Spend (k$) per year" spend_per_year."""
    plain = re.sub(r"[(\[].*?[)\]]", " ", header).strip() or header
    plain = re.sub(r"(?<=[^\W\d_A-Z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", plain)
    letters = unicodedata.normalize("NFKD", plain.lower().translate(LETTERS))
    letters = unicodedata.normalize("NFC", "".join(c for c in letters if not "\u0300" <= c <= "\u036f"))
    return re.sub(r"[\W_]+", "_", letters).strip("_")


def _any(patterns: str) -> str:
    return f"(?:{'|'.join(patterns.split())})"


def _words(patterns: str) -> str:
    """Return a pattern of any of these as whole words."""
    return rf"(?:^|_){_any(patterns)}(?=_|$)"


PERSONS = _any(
    r"""customers? clients? users? members? membership accounts? cust acct clientes? households? persons?
    contacts? subscribers? respondents? participants? patients? guests? visitors? polic(?:y|e) policyholders?
    students? employees? players? debit(?:or|eur|oren) kunden? kund kundin mitglieds? haushalts? teilnehmer
    befragten?r? gast membres? adherents? abonnes? sondes? foyer soci[oa] miembro usuari[oa] encuestad[oa] huesped
    utente intervistato ospite membro inquirido associado musteri(?:si)? uye abone katilimci misafir klient[ay]?
    czlonek respondent[ay]? uczestnik zakaznik ugyfel klant(?:en)? lid kunder? medlem asiakas клиента? покупател[ья]
    cards? karten? cartes? tarjetas? tessera tesserati karty? kart[ai]? carnet
    заказчика? участника? 客户 顾客 会员 用户 受访者 顧客 会員 回答者 고객 회원"""
)
THINGS = _any(
    r"""stores? shops? branch artikel orders? products? items? invoices? filial[ei]? bestell produkt rechnungs?
    commande produit pedido producto ordine prodotto siparis urun zamowienia produktu"""
)
NUMBERING = _any(
    r"""id ids uid uuid guid key code nr no num number numero nummer num\w{0,3} numer numara(?:si)? kod[ue]? codigo
    codice kennung cislo szama? ref номер код 编号 号 号码 代码 番号 コード 번호 아이디"""
)
OF = r"_?(?:(?:de|del|do|da|di|du|d|der|des|of|van)_)?(?:l_)?"
PHONES = "phone telephone telefon telefono tel mobile handy fax 电话 电话号码 手机 телефон"
PLACES = _any(
    r"""postleitzahl post_?code postal\w* zip\w* plz postnummer code_postal codigo_postal cap cep kod_pocztowy
    posta_kodu индекс 邮编 邮政编码 郵便番号 우편번호"""
)
WHOSE = re.compile(rf"^(?:{NUMBERING}{OF})?{PERSONS}(?:_?{NUMBERING})?$")
ID = re.compile(
    rf"^{PERSONS}_?{NUMBERING}$|^(?:{NUMBERING}|n){OF}{PERSONS}$|^{THINGS}_?{NUMBERING}$|nummer$"
    r"|(?:^|_)(?:id|ids|uid|uuid|guid|key|code|nr|no|num|number)$"
    r"|^(?:customer|client|user|member|account|respondent|kunde|kundin|klient|cliente|mitglied|musteri|klant|客户|会员)$"
)
MAIL = re.compile(_words("e_?mails? mail(?:_?adresse?)? correo courriel eposta 邮箱 メール почта"))
CODE = re.compile(
    _words(f"id ids uid uuid guid key code nr no iban ean isbn sku ssn vat {PLACES} {PHONES}")
    + rf"|nummer$|^(?:{PERSONS}|{THINGS})_?{NUMBERING}$|^{NUMBERING}{OF}(?:{PERSONS}|{THINGS})$|^account$"
)
NO_ID = re.compile(_words(rf"{PLACES} {PHONES} week_n\w+ month_n\w+"))
CODED = r"\S*[0-9@]\S*"
INDEX = re.compile(r"^(unnamed_\d+|(index_)?level_\d+|index|column_1|row_?(names?|id|no|nr|num|number))$")
LEFT = re.compile(
    r"^(k_?means_?)?clusters?(_?(id|no|labels?|kmeans|\d+))?$|_cluster$|^labels$|^(label|group)s?_?(kmeans|\d+)$"
    r"|^y_?(kmeans|pred|hat)$|^pca?_?\d+$|^(dist|distance)_?(to_)?(centroid|center|centre|cluster)|naive_bayes|^k_?means"
)
EARLIER = re.compile(
    r"(?:^|_)(?:segments?|segmento|segmentti|segmentacja|сегмент|细分|分群|tier|rfm)"
    r"(?:_?(?:id|no|labels?|names?|code|score|group|\d+))?$|^[rfm]_?(?:score|quartile|quintile|rank)$"
)
MODELLED = re.compile(
    _words(
        r"""predict\w* probab\w* prob propensity likelihood (?:churn|risk|lead|propensity)_scores? wahrscheinlichkeit
        vorhersage prediccion probabilite olasilik prawdopodobienstwo вероятность"""
    )
    + "|预测|概率"
)
OUTCOME = re.compile(
    r"(?:^|_)"
    + _any(
        r"""churn(?:ed|er)? exited attrition attrited respon(?:se|ded|der) default(?:ed)? label target outcome
        converted subscribed cancel+ed abgewandert gekundigt kundigung resilie desabonne abandono cancelado baja
        abbandono odszedl rezygnacja terk ayrildi отток 流失 解約"""
    )
    + r"(?:_(?:flag|value|label|status|yn|payment\w*|next\w*))?$|^y$"
)
CHILDREN = (  # at the head of a name: "reason: children" is none
    r"^(?:(?:num|number|n|no|nr|nb|count|total|anzahl|nombre|numero|liczba|ilosc)_(?:of_|de_|d_|di_)?)?"
    r"(?:child(?:ren)?|kids?(?:home)?|teens?(?:home)?|kinder|enfants|hijos|figli|filhos|dzieci|cocuk)(?=_|$)"
)
PERSON = re.compile(
    _words(
        r"""ages? alter edad eta idade wiek yas yasi leeftijd alder ika vek kor lat(?:itude)? lon(?:gitude)? lng
        dependents? dependants? family_size household_size haushaltsgrosse senior(?:_citizen)? married retired"""
    )
    + f"|{CHILDREN}|возраст|年龄|年齢|나이|子女|孩子|дети"
)
PER = re.compile(_words("per pro par por last this next each every"))
A_YEAR = re.compile(
    _words(
        "year yr jahr jahrgang annee anno ano rok yil yili jaar ar god birth born since seit depuis desde "
        "年 年份 年度 出生年 出生年份 生年"
    )
    + "|jahr$|naissance|nacimiento|nascita|nascimento|urodzenia|dogum|geboorte|год|рожд|년$|출생"
)
NOMINAL = re.compile(
    r"(?:^|_)"
    + _any(
        r"""region channel type kind category categorie cat class zone district city country state province store shop
        branch department dept sector group gender sex marital education occupation job profession status plan package
        product brand colou?r language nationality ethnicity race religion industry source campaign contract method
        mode week_n\w+ calendar_week kw kanal art typ kategorie klasse gebiet bundesland stadt land filiale geschlecht
        beruf tarif gruppe branche canal ville pays magasin sexe groupe statut tipo categoria zona ciudad pais tienda
        sexo genero grupo estado citta paese negozio sesso genere gruppo stato loja regiao cidade bolge kanali sehir
        ulke magaza cinsiyet grup durum tur kategori kategoria miasto kraj sklep plec grupa wojewodztwo регион канал
        тип город страна магазин пол группа статус 地区 区域 渠道 类型 类别 城市 国家 门店 性别
        地域 店舗 性別 지역 성별"""
    )
    + r"(?:_?(?:code|id|no|nr|num|key|kod[ue]?|\d+))?$"
)
COUNTS = re.compile(
    r"^(?:num|n|nr|no_of|nb|number_of|count|cnt|anzahl|nombre|cantidad|numero_di|numero_de|numero_d|quantidade|liczba|ilosc"
    r"|aantal|antal|pocet|количество|число)_|次数|数量|回数|횟수"
    r"|(?:^|_)(?:count|cnt|anzahl|sayisi|adedi|adet|quantity|times)$|"
    + _words(
        r"""freq\w* visits? orders purchases trips calls items transactions logins sessions bookings nights stays
        tickets returns complaints contacts claims products days months years weeks hours minutes tenure qty num_total
        number_total besuche bestellungen kaufe kaeufe einkaufe tage monate commandes achats visites jours mois
        visitas compras pedidos dias acquisti visite ordini giorni wizyty? zakup(?:y|ow) zamowien(?:ia)? ziyaret
        siparis(?:ler)? alisveris bezoeken bestellingen визит\w* заказ\w* покуп\w*"""
    )
)
MONEY = re.compile(
    _words(
        r"""revenue sales turnover spen[dt]\w* amount monetary umsatz betrag ausgaben ca ventes chiffre_d_affaires
        depenses? montant ventas importe gastos? fatturato spesa importo receita valor obrot kwota wydatki ciro tutar
        harcama omzet bedrag выручка сумма оборот"""
    )
    + "|umsatz|(?:金额|消费|销售|売上|金額|매출|금액)(?!次|数|回)"
)
DERIVED = re.compile(
    _words(
        r"""avg average mean median per net netto ratio rate share pct percent log sqrt index rank score std norm\w*
        scaled? z diff cum\w* estimated? squared? durchschnitt schnitt moyenn?e? promedio media medio srednia ortalama
        gemiddelde?"""
    )
    + "|平均|средн"
)

# Of logs of purchases: who bought, in which order, when, how many of what, and for how much.
BOUGHT = _any(
    r"""orders? invoices? receipts? transactions? trans trx txn baskets? bills? bookings? reservations? tickets? sales?
    purchases? carts? documents? visits? auftrags? bestell(?:ung)?s? rechnungs? belegs? bons? buchungs? transaktions?
    kaufs? verkaufs? commandes? factures? achats? ventes? pedidos? facturas? recibos? compras? ventas? reservas?
    transaccion(?:es)? ordin[ei] fattur[ae] scontrin[oi] acquist[oi] vendit[ae] prenotazion[ei] faturas? vendas?
    zamowieni[ae] faktur[ay] paragonu? sprzedazy transakcji siparis fatura fis satis bestellings? factuur bestilling
    ordre заказа? чека? 订单 交易 注文 주문"""
)
ORDER = re.compile(rf"^(?:{NUMBERING}{OF})?{BOUGHT}(?:_?{NUMBERING})?$")
BUYER_NAME = re.compile(rf"^{PERSONS}_?(?:full_?)?(?:names?|nom|nombre|nome|adi|nazwa|naam)$")
DAY = _any(
    r"""(?:date|day)s? (?:date|day|time)_?time time timestamp datum tag zeit jour fecha dia data giorno dzien tarihi?
    datoe? dato päivä дата 日期 日付 날짜"""
)
BARE_DAY = re.compile(rf"^{DAY}$")
NO_PURCHASE = re.compile(
    "(?:"
    + _words(
        r"""ship\w* deliver\w* due paid payment birth\w* dob born sign\w* regist\w* join\w* member since expir\w* valid
        return\w* first last start end until liefer\w* versand\w* fallig\w* geburts?\w* anmelde\w* livraison naissance
        inscription entrega nacimiento alta consegna nascita dostawy urodzenia teslim dogum kayit"""
    )
    + r")|geburt|liefer|versand"
)
QUANTITY = re.compile(
    _words(
        r"""quantit(?:y|ies) quantity_?ordered qty pieces pcs units? menge anzahl stuck stuckzahl quantite qte cantidad
        cant unidades quantita qta pezzi quantidade qtd?e? ilosc sztuk miktar adet aantal antal maara количество"""
    )
    + "|quantity|数量|수량"
)
UNIT_PRICE = re.compile(
    r"(?:^|_)(?:unit|each|single|einzel|stuck|verkaufs)?_?(?:prices?|preis|prix|precio|prezzo|preco|cena|fiyati?|prijs|pris)"
    r"(?:_?each)?(?=_|$)|цена|单价|单位价格|単価|단가"
)
PAID = re.compile(
    MONEY.pattern
    + "|"
    + _words(
        r"""total\w* sum(?:me|ma)? summe gesamt\w* value wert warenwert valeur valore wartosc
        (?:line|ext|extended)_price
        dollars? paid (?:line|item)_?total montant_total"""
    )
)
NOT_PAID = re.compile(
    _words(
        r"""tax\w* vat mwst tva iva kdv discount\w* rabatt remise descuento sconto desconto rabat indirim
        shipping freight versand\w* porto profit margin gewinn costs? cogs kosten balance saldo tip points punkte"""
    )
)
LINE = re.compile(_words("line\\w* row item position\\w* zeilen?\\w* ligne linea riga linha pozycja satir"))
PRODUCT = re.compile(
    r"product|produ[kc]t|produit|prodotto|(?:^|_)(?:items?|item_?\w+|articles?|artikel\w*|articulo|articolo|artigo|sku"
    r"|stock_?code|ean|description|designation|ware|urun\w*|towar|varer?)(?=_|$)|товар|商品|품목"
)

# Of what customers are worth: what they bring, or what is left of it; not what a thing costs, nor what a person earns.
BRINGS = re.compile(
    _words(
        r"""revenues? sales turnover spen[dt]s? spendings? expenditures? monetary(?:_value)? gmv takings [ck]?ltv
        cltv clv (?:life_?time|customer|client|purchase|sales)_value
        (?:purchas\w*|orders?|sales|trans(?:actions?)?|trx|invoiced?|billed)_(?:amounts?|amt)
        (?:amounts?|amt)_(?:spent|paid|purchased|invoiced|billed) (?:income|earnings)_from_\w+ ausgaben erlose?
        (?:bestell|kauf|einkaufs|rechnungs)(?:summe|betrag) ca chiffre_d_affaires ventes depenses? recettes?
        (?:montant|total)_(?:des_|d_)?(?:achats?|commandes?|depenses?) ventas gastos? gastado facturacion facturado
        (?:importe|monto|valor|total)_(?:de_)?(?:las_)?(?:compras?|pedidos?|gastado) fatturato spes[aeo] vendite
        incass[oi] ricav[oi] importo_(?:degli_)?(?:acquisti|ordini|speso) receitas? faturamento faturacao vendas
        valor_total uitgaven besteding(?:en)? besteed verkopen (?:aankoop|bestel|factuur)bedrag obrot[y]? przychod[y]?
        wydatki sprzedaz (?:kwota|wartosc)_(?:zakupow|zamowien|sprzedazy) ciro(?:su)? harcama(?:si|lar|lari)? hasilat
        (?:satis(?:lar)?|siparis|alisveris|fatura)_tutari выручка оборот траты"""
    )
    + "|umsatz|omzet|消费金额|消费额|销售额|营业额|売上|매출"
)
SUM_ALONE = re.compile(  # of a table of customers an amount of money that says no more is what they brought
    r"^(?:(?:grand_)?total|gesamt|insgesamt|toplam)?_?(?:amounts?|amt|betrag|montant|importe|monto|importo|kwota|tutari?|bedrag"
    r"|сумма|金额|金額|금액)(?:_(?:total[ei]?|totaal))?$"
)
MARGINS = re.compile(
    _words(
        r"""margins? marge margen margine margem marza marzy marja profits? gewinne? rohertrag ertrag
        deckungsbeitrag\w* benefices? beneficios? ganancias? profitto lucro winst zysk kari? прибыль маржа"""
    )
    + "|利润|利益|이익"
)
NO_SUM = re.compile(
    _words(
        r"""scores? skor\w* punt[uea]\w* pontuacao punkt\w* points? pts wynik\w* notes? ratings? bewertung\w* index
        indice rank\w* deciles? quintiles? quartiles? percentiles? tiers? levels? class(?:es)? groups? bands? buckets?
        bins? cluster pct percent\w* pourcent\w* porcent\w* prozent\w* procent\w* rates? ratios? shares? quoten?
        anteile? taux tasa tasso taxa stopa oran\w* udzial yield avg averages? means? medians? durchschnitt\w* schnitt
        mittel\w* moyen(?:ne)?s? promedio medi[oa] sredni\w* ortalama gemiddelde? log ln sqrt std norm\w* scaled?
        standardi\w* z diff\w* delta chang\w* chng chg growth trend variation variance squared? budget\w* plan\w*
        target\w* goals? ziel\w* forecast\w* potential limit expected quotas? prices? preise? prix precios? prezz[oi]
        precos? cen[ay] fiyat\w* prij[sz]\w* tax\w* vat shipping freight discount\w* rabatt remises? refund\w*
        return\w* lost costs? kosten couts? costes? costi tips? marketing ads? advert\w* media acquisition campaigns?
        promo\w* werbung company firm employers? staff employees? reps? team channel regions? person office time
        minutes? mins? hours? hrs? seconds? zeit temps tiempo tempo tijd czas\w* suresi (?:days?|weeks?|nights?)_spent
        since ago seit depuis desde recency"""
    )
    + "|(?:^|_)(?:per|pro|par|por|je|by)_(?!years?|yr|annum|quarter|months?|weeks?|customers?|clients?|users?|members?"
    r"|jahr|quartal|monat|woche|kundin|kunden?|an(?:nee)?(?:_|$)|mois|ano|mes|anno|mese|cliente?|rok|miesiac|klient[ao]?|jaar"
    r"|maand|klant|yil|ay)"
    r"|^(?:num|number|n|nr|no_of|nb|count|cnt|anzahl|nombre|cantidad|numero|quantidade|liczba|ilosc|aantal)_"
    r"|_(?:count|cnt|ct|anzahl|qty|quantity|units?|pieces|trx|freq\w*|times|menge|orders|purchases|items|calls|visits|trips"
    r"|transactions|tickets|deals|leads|meetings|adedi|sayisi)$"
    r"|(?:anteil|rang|quote|wachstum|potenzial|punkte|klasse|steuer)$"
    r"|(?:^|_)(?:last|latest|first|max[^\W_]*|min(?:imum)?|largest|highest|lowest|laatste|eerste|ultim[oa]|primer[oa]?"
    r"|(?:letzt|erst|hochst|dernier|premier|ostatni|pierwsz)[^\W_]*)"
    r"(?:$|_(?!\d|years?|months?|quarters?|weeks?|days?|jahr|monat|quartal|woche|an(?:nee)?s?(?:_|$)|mois|anos?|mes|anno|rok"
    r"|miesi|jaar|maand))"
)
NO_MONEY = re.compile(
    r"^(?:%|‰|pct|percent|pts?|points?|punkte|puntos|min|minutes?|h|hrs?|hours?|s|sec|days?|weeks?|pcs|stk|stück|units?|x)$"
)
SAYS_TOTAL = re.compile(
    _words(
        r"""total\w* overall all sum(?:me|ma)? life_?time [ck]?ltv cltv clv insgesamt celkem totaal toplam lacznie razem
        calkowit\w* complessiv\w* общ\w* всего итого"""
    )
    + "|gesamt|总|合計"
)
OF_TIME = re.compile(
    _words(
        r"""(?:19|20)\d\d years? yearly annual\w* months? monthly weekly last past \d+m? jahr\w* monat\w* letzt\w*
        annuel\w* mensuel\w* annee mois anual\w* mensual\w* annu[oa]\w* mensil\w* ano anno mes mese roczn\w*
        miesieczn\w* yillik aylik jaar\w* maand\w*"""
    )
)
