"""What the name or the cells of a column say that it is, in the languages of the tables that people have."""

import re

WHOSE = (
    r"(customer|client|user|member|account|cust|acct|kunden?|cliente?|household|person|card|contact|subscriber|store|shop"
    r"|branch|artikel|order|product|item)"
)
ID = re.compile(
    rf"(^|_)(id|ids|uid|uuid|guid|key|code|nr|no|num|number)$|nummer$|^{WHOSE}_?(id|key|code|nr|no|num\w*)$"
    r"|^(customer|client|user|member|account)$"
)
CODE = re.compile(
    r"(^|_)(id|ids|uid|uuid|guid|key|code|nr|no|phone|telephone|tel|mobile|fax|iban|ean|isbn|sku|ssn|vat)(_|$)|nummer$"
    rf"|^{WHOSE}_?(id|key|code|nr|no)$|^(postleitzahl|postcode|zip|plz|account)$"
)
CODED = r"\S*[0-9@]\S*"
INDEX = re.compile(r"^(unnamed_\d+|(index_)?level_\d+|index|column_1|row_?(names?|id|no|nr|num|number))$")
LEFT = re.compile(
    r"^(k_?means_?)?(cluster|segment|label|group)s?(_?(id|no|labels?|kmeans|\d+))?$|_(cluster|segment)$"
    r"|^y_?(kmeans|pred|hat)$|^pca?_?\d+$|^(dist|distance)_?(to_)?(centroid|center|centre|cluster)"
)
DATE = (
    r"(19|20)[0-9]{2}([-/.])[01]?[0-9]\2[0-3]?[0-9]([ T].*)?|(19|20)[0-9]{2}[01][0-9][0-3][0-9]"
    r"|[0-3]?[0-9]([-/.])[0-3]?[0-9]\5(19|20)?[0-9]{2}( .*)?"
)
PERSON = re.compile(r"(^|_)(age|birth|born|year|zip|postcode|postal|plz|lat(itude)?|lon(gitude)?|gender|sex)(_|$)")
