"""Configuration of an unmodified nginx with everything of its own in one folder."""

import os

_CONFIG = """
daemon off;
user root;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 4096; }}
http {{
    default_type application/json;
    log_format lab '$remote_addr:$remote_port "$request" $status $body_bytes_sent';
    access_log {folder}/access.log lab;
    client_body_temp_path {folder}/tmp/body;
    proxy_temp_path {folder}/tmp/proxy;
    fastcgi_temp_path {folder}/tmp/fastcgi;
    uwsgi_temp_path {folder}/tmp/uwsgi;
    scgi_temp_path {folder}/tmp/scgi;
    client_max_body_size 0;
    keepalive_requests 1000000;
    sendfile on;
    tcp_nopush on;
    server {{
{listen}
        root {folder}/site;
        # Server-side includes make the length unknown, and so the body chunked.
        location /chunked/ {{ ssi on; ssi_types application/json; }}
        location /upload/ {{
            root {folder}/uploads;
            dav_methods PUT;
            create_full_put_path on;
        }}
    }}
}}
"""


def prepare(folder, *listen):
    """Listens at every ADDRESS:PORT. Writes the configuration; returns the command that runs it in the foreground."""
    for name in ("site", "tmp", "uploads"):
        os.makedirs(os.path.join(folder, name), exist_ok=True)
    config = os.path.join(folder, "nginx.conf")
    with open(config, "w", encoding="utf-8") as file:
        file.write(_CONFIG.format(folder=folder, listen="\n".join(f"        listen {at} backlog=4096;" for at in listen)))
    return ["nginx", "-e", os.path.join(folder, "error.log"), "-p", folder, "-c", config]


def access_log(folder):
    try:
        with open(os.path.join(folder, "access.log"), encoding="utf-8", errors="replace") as file:
            return file.read().splitlines()
    except OSError:
        return []
