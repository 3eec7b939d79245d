"""The hand-written routes of the knowledge base: uploads, as form or JSON, and downloads."""

import asyncio
import base64
from typing import Any
from urllib.parse import quote

from pydantic import BaseModel, TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from interlock.domains.documents import errors, kinds
from interlock.domains.documents import service as documents
from interlock.domains.documents.service import ReplaceDocument, UploadDocument
from interlock.domains.documents.views import Document
from interlock.faces.rest.binding import FACE, Function
from interlock.faces.rest.wire.documents import (
    FileProblem,
    KnowledgeDocument,
    UploadBody,
    UploadedFileResult,
    UploadedFiles,
)
from interlock.faces.web.body import parse_json, read_body
from interlock.faces.web.commands import command_of
from interlock.faces.web.credentials import PEOPLE_AND_KEYS, caller
from interlock.faces.web.errors import error_response, from_validation
from interlock.faces.web.multipart import FORM, Form, UploadedFile, is_form, received_form
from interlock.kit.errors import InterlockError, invalid, malformed
from interlock.kit.operations import facts_of
from interlock.runtime.context import Ctx
from interlock.runtime.invoke import invoke

MOST_FILES = 20
_FILES_AT_ONCE = 4
_AROUND = 200_000
_PATH = frozenset({"document_id"})
_FILE_FIELDS = frozenset({"file", "files", "files[]"})
_TYPES_AS_THEY_ARE = frozenset({kinds.PDF, kinds.WORD, kinds.MARKDOWN, kinds.PLAIN})
"""A browser that is told one of these, and not to sniff, runs nothing of the file."""


async def upload(request: Request) -> Response:
    """Take one document as JSON, or one or several files as a form."""
    try:
        ctx = await caller(request, FACE, PEOPLE_AND_KEYS)
        if is_form(request):
            return await _from_form(request, ctx)
        return _answer(await invoke(ctx, documents.upload, await _from_json(request, ctx)))
    except InterlockError as error:
        return error_response(error)


async def replace(request: Request) -> Response:
    """Take a new version of a document, as JSON or as a form with one file."""
    try:
        ctx = await caller(request, FACE, PEOPLE_AND_KEYS)
        if is_form(request):
            return await _replaced_from_form(request, ctx)
        given = await _from_json(request, ctx)
        values = {**given.model_dump(exclude_unset=True), **request.path_params}
        return _answer(await invoke(ctx, documents.replace, command_of(ReplaceDocument, values, _PATH)))
    except InterlockError as error:
        return error_response(error)


async def download(request: Request) -> Response:
    """Give a document's bytes back, never to be shown as a page of ours."""
    try:
        ctx = await caller(request, FACE, PEOPLE_AND_KEYS)
        ref = command_of(documents.DocumentRef, request.path_params, _PATH)
        file = await invoke(ctx, documents.content, ref)
    except InterlockError as error:
        return error_response(error)
    plain = "".join(
        char if char.isascii() and char.isprintable() and char not in '"\\%' else "_" for char in file.filename
    )
    headers = {
        "Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(file.filename, safe='')}",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cache-Control": "private, no-store",
    }
    media_type = file.mime_type if file.mime_type in _TYPES_AS_THEY_ARE else "application/octet-stream"
    return Response(file.content, headers={**headers, "Content-Type": media_type})


async def _from_json(request: Request, ctx: Ctx) -> UploadDocument:
    settings = ctx.settings
    raw = await read_body(request, settings.max_upload_bytes * 4 // 3 + _AROUND)
    value = parse_json(raw, max_depth=settings.max_json_depth)
    if not isinstance(value, dict):
        raise malformed("The body must be a JSON object or a form.", hint=f"Send {{...}}, or {FORM}.")
    try:
        body = UploadBody.model_validate(value)
    except ValidationError as error:
        raise from_validation(error) from error
    if (body.text is None) == (body.content_base64 is None):
        raise invalid("Give either 'text' or 'content_base64'.", field="text")
    return UploadDocument(
        content=_decoded(body),
        title=body.title,
        filename=body.filename,
        mime_type=body.mime_type,
        is_text=body.text is not None,
    )


def _decoded(body: UploadBody) -> bytes:
    if body.text is not None:
        return body.text.encode("utf-8", "replace")
    try:
        return base64.b64decode(body.content_base64 or "", validate=True)
    except ValueError as error:
        raise invalid("'content_base64' is not valid base64.", field="content_base64") from error


async def _from_form(request: Request, ctx: Ctx) -> Response:
    limit = ctx.settings.max_upload_bytes
    async with received_form(
        request, file_limit=limit, total_limit=_FILES_AT_ONCE * limit, most_files=MOST_FILES
    ) as form:
        _check(form)
        if len(form.files) == 1:
            return _answer(await _taken(ctx, form, form.files[0]))
        results = [await _result(ctx, form, file) for file in form.files]
    refused = [error for _, error in results if error is not None]
    if len(refused) == len(results):
        raise refused[0]
    reply = UploadedFiles(results=tuple(result for result, _ in results))
    return Response(reply.model_dump_json(), media_type="application/json")


async def _replaced_from_form(request: Request, ctx: Ctx) -> Response:
    limit = ctx.settings.max_upload_bytes
    async with received_form(request, file_limit=limit, total_limit=limit, most_files=1) as form:
        _check(form)
        values = {**await _file_values(ctx, form, form.files[0]), **request.path_params}
        return _answer(await invoke(ctx, documents.replace, command_of(ReplaceDocument, values, _PATH)))


def _check(form: Form) -> None:
    if not form.files:
        raise invalid("The form carries no file.", field="file", hint="Send it as the field 'file'.")
    for file in form.files:
        if file.name not in _FILE_FIELDS:
            raise invalid(f"'{file.name}' is no field for a file.", field=file.name[:100], hint="Name it 'file'.")
    unknown = set(form.fields) - {"title"}
    if unknown:
        name = min(unknown)[:100]
        raise invalid(f"'{name}' is not a field of this form.", field=name)
    if len(form.files) > 1 and "title" in form.fields:
        raise invalid("'title' goes with one file; several are named by their file names.", field="title")


async def _taken(ctx: Ctx, form: Form, file: UploadedFile) -> Document:
    return await invoke(ctx, documents.upload, command_of(UploadDocument, await _file_values(ctx, form, file)))


async def _file_values(ctx: Ctx, form: Form, file: UploadedFile) -> dict[str, Any]:
    if file.is_too_large:
        raise errors.too_large(ctx.settings.max_upload_bytes)
    return {
        "content": await asyncio.to_thread(file.file.read),
        "filename": file.filename or None,
        "mime_type": file.claimed_type[:200] or None,
        **form.fields,
    }


async def _result(ctx: Ctx, form: Form, file: UploadedFile) -> tuple[UploadedFileResult, InterlockError | None]:
    try:
        taken = KnowledgeDocument.model_validate(await _taken(ctx, form, file))
    except InterlockError as error:
        problem = FileProblem(code=error.code, message=error.message, hint=error.hint)
        return UploadedFileResult(filename=file.filename, document=None, error=problem), error
    return UploadedFileResult(filename=file.filename, document=taken, error=None), None


def _answer(document: Document) -> Response:
    return Response(KnowledgeDocument.model_validate(document).model_dump_json(), media_type="application/json")


ROUTES = (
    Route("/api/v1/knowledge", upload, methods=["POST"], name="documents.upload"),
    Route("/api/v1/knowledge/{document_id}/content", replace, methods=["PUT"], name="documents.replace"),
    Route("/api/v1/knowledge/{document_id}/content", download, methods=["GET"], name="documents.content"),
)


def _schema(kind: type[BaseModel]) -> dict[str, Any]:
    """A schema without references, which the document could not follow."""
    schema = kind.model_json_schema(mode="validation" if kind is UploadBody else "serialization")
    inlined: dict[str, Any] = _inlined(schema, schema.pop("$defs", {}))
    return inlined


def _inlined(schema: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(schema, list):
        return [_inlined(part, definitions) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _inlined(definitions[schema["$ref"].rsplit("/", 1)[-1]], definitions)
    return {name: _inlined(part, definitions) for name, part in schema.items()}


def openapi_paths() -> dict[str, Any]:
    """What the OpenAPI document says of these routes."""
    error = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}}
    codes = ("400", "401", "403", "404", "413", "422", "429", "500", "503")
    refusals = {code: {"description": "error", **error} for code in codes}
    common = {"tags": ["documents"], "security": [{"api_key": []}, {"bearer": []}]}
    file = {"type": "string", "format": "binary"}
    form = {
        "type": "object",
        "additionalProperties": False,
        "required": ["file"],
        "properties": {
            "file": {"type": "array", "minItems": 1, "maxItems": MOST_FILES, "items": file},
            "title": TypeAdapter(documents.Title).json_schema(),
        },
    }
    path = {"name": "document_id", "in": "path", "required": True, "schema": {"type": "string"}}
    one, several = (_schema(kind) for kind in (KnowledgeDocument, UploadedFiles))
    reply = {"application/json": {"schema": {"anyOf": [one, several]}}}
    body = {"application/json": {"schema": _schema(UploadBody)}, FORM: {"schema": form}}
    requested = {"required": True, "content": body}
    replaced = {"200": {"description": "Taken.", "content": {"application/json": {"schema": one}}}, **refusals}
    taken = {"200": {"description": "Taken.", "content": reply}, **refusals}
    given = {"200": {"description": "The file.", "content": {"application/octet-stream": {"schema": file}}}, **refusals}
    return {
        "/api/v1/knowledge": {
            "post": {**_told(documents.upload, "post"), **common, "requestBody": requested, "responses": taken}
        },
        "/api/v1/knowledge/{document_id}/content": {
            "put": {
                **_told(documents.replace, "put"),
                **common,
                "parameters": [path],
                "requestBody": requested,
                "responses": replaced,
            },
            "get": {**_told(documents.content, "get"), **common, "parameters": [path], "responses": given},
        },
    }


def _told(function: Function, method: str) -> dict[str, str]:
    facts = facts_of(function)
    return {"operationId": f"{facts.name}.{method}", "summary": facts.summary}
