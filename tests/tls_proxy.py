"""A proxy that ends TLS, with a certificate of its own."""

import asyncio
import ssl
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


@asynccontextmanager
async def tls_proxy(port: int, folder: Path) -> AsyncIterator[tuple[str, ssl.SSLContext]]:
    """Ends TLS and hands over what it hears, as a proxy does; its address, and what trusts it."""
    key, name, now = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")]), datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now - timedelta(days=1), now + timedelta(days=1))
    signed_one = made.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False).sign(key, hashes.SHA256())
    pem = folder / "proxy.pem"
    secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    pem.write_bytes(secret + signed_one.public_bytes(serialization.Encoding.PEM))
    ours = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ours.load_cert_chain(pem)

    calls: list[asyncio.Task[None] | None] = []

    async def pour(reader: StreamReader, writer: StreamWriter) -> None:
        while piece := await reader.read(65_536):
            writer.write(piece)
        writer.close()
        await writer.wait_closed()

    async def hand_over(reader: StreamReader, writer: StreamWriter) -> None:
        calls.append(asyncio.current_task())
        faro_reader, faro_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(pour(reader, faro_writer), pour(faro_reader, writer))

    async with await asyncio.start_server(hand_over, "localhost", 0, ssl=ours) as server:
        yield f"https://localhost:{server.sockets[0].getsockname()[1]}", ssl.create_default_context(cafile=str(pem))
        await asyncio.gather(*(call for call in calls if call))
