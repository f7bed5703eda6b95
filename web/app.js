// app.js: conversations in this browser, asked of /v1/chat/completions and shown as they stream. Whatever
// the model says becomes text nodes (markdown.js), never markup.
import { renderMarkdown } from "/markdown.js";

const STORE = "gptoss.conversations", KEY = "gptoss.key";
const $ = (id) => document.getElementById(id);

const state = {
    conversations: load(), // newest first: {id, title, effort, instructions, tools, temperature, messages}
    current: null,
    run: null,    // the answer that streams: {conversation, message, controller, …}
    views: new WeakMap(), // message -> function that shows it again
    raw: false,
};
const tokensOf = new WeakMap(); // message -> {reasoning, content}: [{end, tokens}], in order; not stored
const tokenAt = new WeakMap(); // a token's node -> its tokens

function make(name, className, ...children) {
    const node = document.createElement(name);
    node.className = className || "";
    node.append(...children);
    return node;
}

// ---- conversations ---------------------------------------------------------------------------

function load() {
    try {
        const found = JSON.parse(localStorage.getItem(STORE));
        return Array.isArray(found) ? found.filter((c) => c && Array.isArray(c.messages)) : [];
    } catch {
        return [];
    }
}

function save() {
    try {
        localStorage.setItem(STORE, JSON.stringify(state.conversations.filter((c) => c.messages.length)));
    } catch {
        notice("The browser keeps no more: delete a conversation, or this one is lost with the tab.");
    }
}

function notice(words) {
    $("notice").textContent = words || "";
    $("notice").hidden = !words;
}

function begin() {
    const last = state.current || {};
    open({ id: crypto.randomUUID ? crypto.randomUUID() : String(Math.random()), title: "", messages: [],
           effort: last.effort || "medium", instructions: "", tools: "", temperature: 1 });
}

function open(conversation) {
    state.current = conversation;
    for (const name of ["effort", "instructions", "tools", "temperature"]) {
        $(name).value = conversation[name] ?? "";
    }
    document.body.classList.remove("listing");
    showList();
    showThread();
    if (state.raw) {
        showRaw();
    }
}

function remove(conversation) {
    if (state.run && state.run.conversation === conversation) {
        state.run.controller.abort();
    }
    state.conversations = state.conversations.filter((c) => c !== conversation);
    save();
    if (state.current === conversation) {
        begin();
    } else {
        showList();
    }
}

function showList() {
    $("list").replaceChildren(...state.conversations.map((conversation) => {
        const name = make("button", "name", conversation.title || "…"), cross = make("button", "cross", "✕");
        name.onclick = () => open(conversation);
        cross.onclick = () => remove(conversation);
        cross.setAttribute("aria-label", `Delete: ${conversation.title}`);
        const row = make("li", "", name, cross);
        if (conversation === state.current) {
            name.setAttribute("aria-current", "true");
        }
        return row;
    }));
}

// ---- the server ------------------------------------------------------------------------------

let asking = null; // one dialog for all that wait for a key

function askKey() {
    asking ??= new Promise((resolve) => {
        $("secret").value = "";
        $("key").returnValue = "";
        $("key").showModal();
        $("key").onclose = () => {
            asking = null;
            const given = $("key").returnValue === "yes";
            if (given) {
                sessionStorage.setItem(KEY, $("secret").value.trim());
            }
            $("secret").value = "";
            resolve(given);
        };
    });
    return asking;
}

async function call(method, path, body, signal) {
    for (;;) {
        const headers = { "Content-Type": "application/json" }, key = sessionStorage.getItem(KEY);
        if (key) {
            headers.Authorization = `Bearer ${encodeURI(key) === key ? key : ""}`;
        }
        const reply = await fetch(path, { method, headers, signal, body: body && JSON.stringify(body) });
        if (reply.ok) {
            return reply;
        }
        const found = await reply.json().catch(() => ({}));
        if (reply.status !== 401 || !(await askKey())) {
            throw new Error(found.error?.message || `the server answered ${reply.status}`);
        }
    }
}

// The data of each server-sent event.
async function* events(stream) {
    const reader = stream.getReader(), decoder = new TextDecoder();
    let rest = "";
    for (;;) {
        const { value, done } = await reader.read();
        rest += done ? "\n\n" : decoder.decode(value, { stream: true });
        const parts = rest.split("\n\n");
        rest = parts.pop();
        for (const part of parts) {
            const data = part.split("\n").filter((line) => line.startsWith("data:"))
                .map((line) => line.slice(5).trim()).join("\n");
            if (data && data !== "[DONE]") {
                yield JSON.parse(data);
            }
        }
        if (done) {
            return;
        }
    }
}

function wire(message) {
    if (message.role !== "assistant") {
        const { role, content, tool_call_id } = message;
        return [{ role, content, tool_call_id }];
    }
    const calls = message.tool_calls.length ? message.tool_calls : undefined;
    if (!calls && !message.content) {
        return []; // stopped before it said anything
    }
    return [{ role: "assistant", content: message.content || null, reasoning_content: message.reasoning || undefined,
              tool_calls: calls }];
}

function chatBody(conversation) {
    const messages = conversation.messages.flatMap(wire);
    if (conversation.instructions) {
        messages.unshift({ role: "system", content: conversation.instructions });
    }
    const body = { messages, reasoning_effort: conversation.effort, temperature: Number(conversation.temperature) };
    if (conversation.tools.trim()) {
        const tools = JSON.parse(conversation.tools);
        body.tools = [tools].flat().map((t) => (t.type ? t : { type: "function", function: t }));
    }
    return body;
}

// ---- an answer -------------------------------------------------------------------------------

// The tokens of a part and where each one's text ends in it. Bytes of a letter may be spread over several.
function note(run, part, words, entries) {
    const marks = tokensOf.get(run.message)[part], decoder = run.decoders[part];
    const end = run.message[part].length;
    let at = end - words.length, held = [];
    for (const token of entries) {
        held.push(token);
        at += token.bytes ? decoder.decode(new Uint8Array(token.bytes), { stream: true }).length : token.token.length;
        if (at > (marks.at(-1)?.end ?? 0)) {
            marks.push({ end: Math.min(at, end), tokens: held });
            held = [];
        }
    }
    if ((marks.at(-1)?.end ?? 0) < end) {
        marks.push({ end, tokens: held });
    }
}

function take(run, chunk) {
    if (chunk.error) {
        throw new Error(chunk.error.message);
    }
    run.usage = chunk.usage || run.usage;
    const choice = chunk.choices?.[0], message = run.message;
    if (!choice) {
        return;
    }
    const delta = choice.delta || {}, entries = choice.logprobs?.content || [];
    if (delta.reasoning || delta.content || delta.tool_calls) { // only the answer's tokens are listed
        run.first ||= performance.now();
        run.n += entries.length || 1;
    }
    for (const [part, words] of [["reasoning", delta.reasoning], ["content", delta.content]]) {
        if (words) {
            message[part] += words;
            note(run, part, words, entries);
        }
    }
    for (const call of delta.tool_calls || []) {
        const known = message.tool_calls[call.index] ??=
            { id: call.id, type: "function", function: { name: call.function?.name || "", arguments: "" } };
        known.function.arguments += call.function?.arguments || "";
    }
    if (choice.finish_reason) {
        message.finish = choice.finish_reason;
        message.details = choice.finish_details?.type;
    }
}

async function answer(conversation) {
    let body;
    try {
        body = chatBody(conversation);
    } catch (error) {
        notice(`Tools: ${error.message}`);
        return;
    }
    const message = { role: "assistant", content: "", reasoning: "", tool_calls: [] };
    const decoders = { reasoning: new TextDecoder(), content: new TextDecoder() };
    const run = { conversation, message, decoders, controller: new AbortController(),
                  sent: performance.now(), first: 0, n: 0 };
    tokensOf.set(message, { reasoning: [], content: [] });
    conversation.messages.push(message);
    state.run = run;
    running();
    showThread();
    try {
        const wanted = { ...body, stream: true, stream_options: { include_usage: true }, logprobs: true, top_logprobs: 5 };
        const reply = await call("POST", "/v1/chat/completions", wanted, run.controller.signal);
        for await (const chunk of events(reply.body)) {
            take(run, chunk);
            showSoon(run);
        }
    } catch (error) {
        message.error = error.name === "AbortError" ? "stopped" : error.message;
    }
    // Tokens that came all at once, because the browser was busy, took the time since they were asked for.
    const now = performance.now(), since = now - run.first > 50 ? run.first : run.sent;
    message.tokens = run.usage?.completion_tokens ?? run.n;
    message.rate = run.n > 1 ? (1000 * (message.tokens - 1)) / (now - since) : 0;
    state.run = null;
    running();
    save();
    if (state.current === conversation) {
        showThread();
        if (state.raw) {
            showRaw();
        }
    }
}

// As often as showing takes a fifth of the time.
function showSoon(run) {
    if (run.planned) {
        return;
    }
    run.planned = true;
    setTimeout(() => requestAnimationFrame(() => {
        run.planned = false;
        if (state.run !== run) {
            return;
        }
        const before = performance.now();
        state.views.get(run.message)?.();
        running();
        run.cost = performance.now() - before;
    }), 4 * (run.cost || 0));
}

function running() {
    const run = state.run;
    $("stop").hidden = !run;
    $("send").hidden = !!run;
    const seconds = run?.first ? (performance.now() - run.first) / 1000 : 0;
    $("status").textContent = !run ? "" : !run.n ? "waiting" :
        `${run.n} tokens${seconds > 0.2 ? `, ${(run.n / seconds).toFixed(1)} tokens/s` : ""}`;
}

function send() {
    const words = $("prompt").value, conversation = state.current;
    if (!words.trim() || state.run) {
        return;
    }
    notice("");
    conversation.title ||= words.trim().slice(0, 60);
    conversation.messages.push({ role: "user", content: words });
    state.conversations = [conversation, ...state.conversations.filter((c) => c !== conversation)];
    $("prompt").value = "";
    grow();
    save();
    showList();
    answer(conversation);
}

function giveResult(conversation, call, words) {
    conversation.messages.push({ role: "tool", tool_call_id: call.id, content: words });
    save();
    const open = openCalls(conversation);
    showThread();
    if (!open.length && !state.run) {
        answer(conversation);
    }
}

function openCalls(conversation) {
    const done = new Set(conversation.messages.map((m) => m.tool_call_id));
    return conversation.messages.flatMap((m) => m.tool_calls || []).filter((call) => !done.has(call.id));
}

// ---- showing ---------------------------------------------------------------------------------

// Makes nodes of a part's letters from..to: a span for each token where they are known.
function maker(message, part) {
    const marks = tokensOf.get(message)?.[part] || [], source = message[part];
    return (from, to) => {
        const fragment = document.createDocumentFragment();
        let low = 0, high = marks.length; // the first mark that ends behind from
        while (low < high) {
            const middle = (low + high) >> 1;
            [low, high] = marks[middle].end <= from ? [middle + 1, high] : [low, middle];
        }
        for (let at = from; at < to; low++) {
            const mark = marks[low], end = mark ? Math.min(mark.end, to) : to, words = source.slice(at, end);
            if (mark?.tokens.length) {
                const doubt = -Math.min(...mark.tokens.map((t) => t.logprob));
                const node = make("span", `t d${doubt > 2.3 ? 3 : doubt > 0.7 ? 2 : doubt > 0.1 ? 1 : 0}`, words);
                tokenAt.set(node, mark.tokens);
                fragment.append(node);
            } else {
                fragment.append(words);
            }
            at = end;
        }
        return fragment;
    };
}

function channel(kind, label, openAtFirst) {
    const summary = make("summary", "", label), body = make("div", "body");
    const node = make("details", `channel ${kind}`, summary, body);
    node.open = openAtFirst;
    return { node, summary, body };
}

function callView(conversation, message, call) {
    const { node, body } = channel("call", `commentary to ${call.function.name}`, true);
    let words = call.function.arguments;
    try {
        words = JSON.stringify(JSON.parse(words), null, 2);
    } catch {
        // not whole yet, or no JSON: as it is
    }
    body.append(make("pre", "", words));
    const result = conversation.messages.find((m) => m.role === "tool" && m.tool_call_id === call.id);
    if (result) {
        body.append(make("div", "quiet", "result"), make("pre", "result", result.content));
    } else if (state.run?.message !== message) {
        const field = make("textarea", ""), give = make("button", "", "Give result");
        field.rows = 2;
        field.setAttribute("aria-label", `Result of ${call.function.name}`);
        give.type = "button";
        give.onclick = () => giveResult(conversation, call, field.value);
        body.append(field, give);
    }
    return node;
}

function assistantView(conversation, message) {
    const analysis = channel("analysis", "analysis", false), final = make("div", "final"), calls = make("div", "");
    const foot = make("div", "foot quiet");
    const node = make("article", "assistant", analysis.node, final, calls, foot);
    const show = () => {
        const live = state.run?.message === message;
        analysis.node.hidden = !message.reasoning;
        analysis.summary.textContent = live && !message.content ? "analysis …" : "analysis";
        analysis.body.replaceChildren(maker(message, "reasoning")(0, message.reasoning.length));
        final.replaceChildren(renderMarkdown(message.content, maker(message, "content")));
        calls.replaceChildren(...message.tool_calls.filter(Boolean).map((c) => callView(conversation, message, c)));
        node.setAttribute("aria-busy", String(live));
        const words = live ? [] : [`${message.tokens} tokens`, message.rate ? `${message.rate.toFixed(1)} tokens/s` : ""];
        if (message.finish === "length") {
            words.push(`cut off: ${message.details || "length"}`);
        }
        foot.textContent = words.filter(Boolean).join(", ");
        if (message.error) {
            foot.append(make("span", "error", message.error));
        }
        keepEnd();
    };
    state.views.set(message, show);
    show();
    return node;
}

function showThread() {
    const conversation = state.current, nodes = [];
    for (const message of conversation.messages) {
        if (message.role === "user") {
            nodes.push(make("article", "user", message.content));
        } else if (message.role === "assistant") {
            nodes.push(assistantView(conversation, message));
        }
    }
    $("thread").replaceChildren(...(nodes.length ? nodes : [make("p", "quiet empty", "Ask something.")]));
    keepEnd(true);
}

let atEnd = true;

function keepEnd(always) {
    if (always || atEnd) {
        $("thread").scrollTop = $("thread").scrollHeight;
    }
}

// ---- the raw tokens --------------------------------------------------------------------------

const MARKER = /^<\|(\w+)\|>$/;

// One block for each message; the class of a chip says what it is.
function chips(ids, pieces) {
    const blocks = [];
    let block = null, header = "", inHeader = false;
    ids.forEach((id, i) => {
        const marker = MARKER.exec(pieces[i])?.[1];
        if (!block || marker === "start") {
            block = make("div", "harmony");
            blocks.push(block);
            [header, inHeader] = ["", marker === "start"];
        }
        const words = pieces[i].replaceAll("\n", "↵\n").replaceAll("\t", "⇥");
        const chip = make("span", marker ? `chip marker ${marker}` : inHeader ? "chip header" : "chip", words);
        chip.title = `${id}`;
        block.append(chip);
        header += inHeader ? (marker === "channel" ? " @" : marker ? " " : pieces[i]) : "";
        inHeader = inHeader && marker !== "message";
        const role = /^\s*(system|developer|user|assistant)/.exec(header)?.[1] || "tool";
        block.dataset.kind = /@(\w+)/.exec(header)?.[1] || role;
    });
    return blocks;
}

async function showRaw() {
    const conversation = state.current;
    try {
        const body = chatBody(conversation);
        if (!body.messages.length) {
            $("raw").replaceChildren(make("p", "quiet empty", "Nothing was said yet."));
            return;
        }
        const { tokens } = await (await call("POST", "/apply-template", body)).json();
        const { pieces } = await (await call("POST", "/detokenize", { tokens, pieces: true })).json();
        if (conversation === state.current) {
            const head = make("p", "quiet", `${tokens.length} tokens: what the model would read for its next turn`);
            $("raw").replaceChildren(head, ...chips(tokens, pieces));
        }
    } catch (error) {
        notice(error.message);
    }
}

function toggleRaw() {
    state.raw = !state.raw;
    $("tokens").setAttribute("aria-pressed", String(state.raw));
    $("raw").hidden = !state.raw;
    $("thread").hidden = state.raw;
    if (state.raw) {
        showRaw();
    }
}

// ---- a token's probability -------------------------------------------------------------------

function percent(logprob) {
    const p = 100 * Math.exp(logprob);
    return p >= 10 ? `${p.toFixed(0)} %` : p >= 0.01 ? `${p.toPrecision(2)} %` : "< 0.01 %";
}

function tipRow(token, chosen) {
    const bar = make("i", "");
    bar.style.width = `${100 * Math.exp(token.logprob)}%`;
    return make("div", chosen ? "row chosen" : "row", make("code", "", JSON.stringify(token.token)),
                make("span", "", percent(token.logprob)), make("b", "", bar));
}

function showTip(event) {
    const node = event.target.closest?.(".t"), tokens = node && tokenAt.get(node), tip = $("tip");
    tip.hidden = !tokens;
    if (!tokens) {
        return;
    }
    tip.replaceChildren(...tokens.flatMap((token) => {
        const others = (token.top_logprobs || []).filter((o) => o.token !== token.token);
        return [tipRow(token, true), ...others.map((o) => tipRow(o, false))];
    }));
    const place = node.getBoundingClientRect(), size = tip.getBoundingClientRect();
    const above = place.top - size.height - 6;
    tip.style.left = `${Math.max(4, Math.min(place.left, innerWidth - size.width - 4))}px`;
    tip.style.top = `${above > 4 ? above : place.bottom + 6}px`;
}

// ---- hands on it -----------------------------------------------------------------------------

function grow() {
    const field = $("prompt");
    field.style.height = "auto";
    field.style.height = `${Math.min(field.scrollHeight + 2, innerHeight / 3)}px`;
}

function listen() {
    $("ask").onsubmit = (event) => {
        event.preventDefault();
        send();
    };
    $("prompt").oninput = grow;
    $("prompt").onkeydown = (event) => {
        if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
            event.preventDefault();
            send();
        }
    };
    document.addEventListener("keydown", (event) => {
        if (event.key === "Escape" && !$("key").open) {
            state.run?.controller.abort();
            document.body.classList.remove("listing");
        }
    });
    $("stop").onclick = () => state.run?.controller.abort();
    $("new").onclick = begin;
    $("tokens").onclick = toggleRaw;
    $("menu").onclick = () => {
        const listing = document.body.classList.toggle("listing");
        $("menu").setAttribute("aria-expanded", String(listing));
    };
    $("more").onclick = () => {
        $("settings").hidden = !$("settings").hidden;
        $("more").setAttribute("aria-pressed", String(!$("settings").hidden));
    };
    for (const name of ["effort", "instructions", "tools", "temperature"]) {
        $(name).onchange = () => {
            state.current[name] = $(name).value;
            save();
        };
    }
    $("doubts").onchange = () => document.body.classList.toggle("doubts", $("doubts").checked);
    $("thread").onscroll = () => {
        const thread = $("thread");
        atEnd = thread.scrollHeight - thread.scrollTop - thread.clientHeight < 40;
        $("tip").hidden = true;
    };
    document.addEventListener("pointerover", showTip);
    $("thread").addEventListener("click", (event) => {
        if (event.target.classList.contains("copy")) {
            navigator.clipboard?.writeText(event.target.closest(".code").querySelector("code").textContent);
        }
    });
    $("key").querySelector("form").onsubmit = (event) => {
        event.preventDefault();
        $("key").close("yes");
    };
    $("cancel").onclick = () => $("key").close("no");
}

listen();
if (state.conversations.length) {
    open(state.conversations[0]);
} else {
    begin();
}
call("GET", "/v1/models").then((reply) => reply.json()).then(({ data }) => {
    $("model").textContent = `${data[0].id}, ${data[0].context_length} tokens`;
}).catch((error) => notice(error.message));
