"""Spark as the engine: on the cores of this machine, or on the master that SPARK_MASTER names."""

import os
import socket
import warnings
from pathlib import Path

import ibis

from segmentation.errors import UsageError

MEMORY = "2g"
LOOPBACK = "127.0.0.1"
SECONDS_TO_ANSWER = 5
QUIET = """appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_ERR
rootLogger.level = error
rootLogger.appenderRef.console.ref = console
logger.shell.name = org.apache.spark.api.python.PythonGatewayServer
logger.shell.level = error
"""


def connect_spark(folder: Path) -> ibis.BaseBackend:
    """Start a session, in which a number out of range or a division by zero is an error, as it is in PostgreSQL.

    Raises
    ------
    UsageError
        When Spark, or the Java that it needs, is not installed, or the master does not answer.
    """
    master = os.environ.get("SPARK_MASTER") or "local[*]"
    try:
        from pyspark.errors import PySparkRuntimeError
        from pyspark.sql import SparkSession
    except ImportError:
        raise UsageError("ENGINE=spark needs PySpark; install it: make spark") from None
    _require_answer(master)
    logging = folder / "log4j2.properties"
    logging.write_text(QUIET)
    settings = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.ansi.enabled": "true",
        "spark.sql.execution.arrow.pyspark.enabled": "true",
        "spark.driver.memory": MEMORY,
        "spark.driver.extraJavaOptions": f"-Dlog4j2.configurationFile={logging.as_uri()}",
        "spark.local.dir": str(folder),
        "spark.sql.warehouse.dir": str(folder),
    }
    if LOOPBACK in master or master.startswith("local"):
        settings |= {"spark.driver.host": LOOPBACK, "spark.driver.bindAddress": LOOPBACK}
        os.environ.setdefault("SPARK_LOCAL_IP", LOOPBACK)
    warnings.filterwarnings("ignore", message="PySpark does not yet fully support pandas", category=FutureWarning)
    try:
        return ibis.pyspark.connect(SparkSession.builder.master(master).config(map=settings).getOrCreate())
    except PySparkRuntimeError:
        raise UsageError(
            "ENGINE=spark needs Java 17 or later, and none would start; install it, on Debian: apt-get install "
            "default-jre-headless"
        ) from None


def _require_answer(master: str) -> None:
    """Refuse a standalone master that is not there: Spark itself would ask it for a minute."""
    if not master.startswith("spark://"):
        return
    for place in master.removeprefix("spark://").split(","):
        host, _, port = place.rpartition(":")
        try:
            socket.create_connection((host, int(port)), timeout=SECONDS_TO_ANSWER).close()
            return
        except (OSError, ValueError):
            continue
    raise UsageError(
        f"SPARK_MASTER={master} does not answer; start it, or leave SPARK_MASTER out to use the cores of this machine"
    )
