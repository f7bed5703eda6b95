// markdown.js: Markdown into DOM nodes. What the model writes is never read as HTML: every letter of it
// ends in a text node, and links lead to http, https and mailto alone.
//
// Letters keep their places in the source, so that the caller can say what lies over them: text from
// `from` to `to` is made by make(from, to), which returns a node.

const MAX_DEPTH = 16; // of blocks in blocks, and of emphasis in emphasis

const FENCE = /^ {0,3}(`{3,}|~{3,})\s*([^\s`]*)/;
const HEADING = /^ {0,3}(#{1,6})[ \t]+/;
const RULE = /^ {0,3}(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$/;
const QUOTE = /^ {0,3}> ?/;
const ITEM = /^( {0,3})([-*+]|\d{1,9}[.)])( {1,4}|\t|$)/;
const LINK = /\[([^[\]\n]{1,500})\]\(<?([^\s()<>]{1,2000}(?:\([^\s()<>]{0,500}\)[^\s()<>]{0,500})?)>?(?: +"[^"\n]{0,500}")?\)/y;
const BARE_LINK = /https?:\/\/[^\s<>"'`]{1,2000}/y;

export function renderMarkdown(source, make) {
    const lines = [];
    let from = 0;
    for (const text of source.split("\n")) {
        lines.push({ text, from });
        from += text.length + 1;
    }
    const fragment = document.createDocumentFragment();
    blocks(lines, fragment, make, 0);
    return fragment;
}

// ---- blocks ----------------------------------------------------------------------------------

function strip(line, count) {
    return { text: line.text.slice(count), from: line.from + count };
}

function blank(line) {
    return line.text.trim() === "";
}

function indent(line) {
    return line.text.length - line.text.trimStart().length;
}

function starts(line) {
    const text = line.text;
    return FENCE.test(text) || HEADING.test(text) || QUOTE.test(text) || ITEM.test(text) || isRule(text);
}

function isRule(text) {
    return text.length < 200 && RULE.test(text.trimEnd());
}

function add(parent, name) {
    return parent.appendChild(document.createElement(name));
}

function blocks(lines, parent, make, depth) {
    for (let i = 0; i < lines.length;) {
        const text = lines[i].text;
        if (blank(lines[i])) {
            i++;
        } else if (FENCE.test(text)) {
            i = fence(lines, i, parent, make);
        } else if (HEADING.test(text)) {
            const [marker, signs] = HEADING.exec(text);
            inline([strip(lines[i++], marker.length)], add(parent, `h${signs.length}`), make);
        } else if (isRule(text)) {
            add(parent, "hr");
            i++;
        } else if (QUOTE.test(text) && depth < MAX_DEPTH) {
            i = quote(lines, i, parent, make, depth);
        } else if (ITEM.test(text) && depth < MAX_DEPTH) {
            i = list(lines, i, parent, make, depth);
        } else if (isTable(lines, i)) {
            i = table(lines, i, parent, make);
        } else {
            i = paragraph(lines, i, parent, make);
        }
    }
}

function paragraph(lines, first, parent, make) {
    let end = first + 1;
    while (end < lines.length && !blank(lines[end]) && !starts(lines[end]) && !isTable(lines, end)) {
        end++;
    }
    inline(lines.slice(first, end).map((line) => strip(line, indent(line))), add(parent, "p"), make);
    return end;
}

function fence(lines, first, parent, make) {
    const [, marker, language] = FENCE.exec(lines[first].text);
    let end = first + 1;
    const closes = (text) => text.startsWith(marker) && !text.replaceAll(marker[0], "");
    while (end < lines.length && !closes(lines[end].text.trim())) {
        end++;
    }
    const box = add(parent, "div");
    box.className = "code";
    const head = add(box, "div");
    head.className = "bar quiet";
    add(head, "span").textContent = language || "text";
    const copy = add(head, "button");
    copy.type = "button";
    copy.className = "copy";
    copy.textContent = "Copy";
    const code = add(add(box, "pre"), "code");
    for (const line of lines.slice(first + 1, end)) {
        code.append(make(line.from, line.from + line.text.length), "\n");
    }
    return end + 1;
}

function quote(lines, first, parent, make, depth) {
    const inner = [];
    let i = first;
    for (; i < lines.length && QUOTE.test(lines[i].text); i++) {
        inner.push(strip(lines[i], QUOTE.exec(lines[i].text)[0].length));
    }
    blocks(inner, add(parent, "blockquote"), make, depth + 1);
    return i;
}

// An item goes on in lines that are indented as its text is, and in lines of its paragraph.
function list(lines, first, parent, make, depth) {
    const marker = ITEM.exec(lines[first].text)[2], ordered = /\d/.test(marker);
    const box = add(parent, ordered ? "ol" : "ul");
    if (ordered && parseInt(marker, 10) !== 1) {
        box.start = parseInt(marker, 10);
    }
    let i = first;
    while (i < lines.length) {
        const found = ITEM.exec(lines[i].text);
        if (!found || isRule(lines[i].text) || found[2].slice(-1) !== marker.slice(-1)) {
            break;
        }
        const width = found[0].length, inner = [strip(lines[i++], width)];
        while (i < lines.length) {
            const last = inner[inner.length - 1];
            if (blank(lines[i]) || indent(lines[i]) >= Math.min(width, 2 + found[1].length)) {
                inner.push(strip(lines[i], Math.min(width, indent(lines[i]))));
            } else if (!blank(last) && !starts(lines[i])) {
                inner.push(lines[i]);
            } else {
                break;
            }
            i++;
        }
        item(inner, add(box, "li"), make, depth);
    }
    return i;
}

// The text of a short item stands without a paragraph.
function item(lines, parent, make, depth) {
    let end = 0;
    while (end < lines.length && !blank(lines[end]) && !starts(lines[end])) {
        end++;
    }
    if (end) {
        inline(lines.slice(0, end), parent, make);
    }
    blocks(lines.slice(end), parent, make, depth + 1);
}

function isTable(lines, i) {
    const next = lines[i + 1];
    return next && lines[i].text.includes("|") && next.text.includes("|") && next.text.includes("-") &&
        /^[\s|:-]+$/.test(next.text);
}

function cells(line) {
    const made = [];
    let from = line.text.startsWith("|") ? 1 : 0;
    const end = line.text.trimEnd().endsWith("|") ? line.text.trimEnd().length - 1 : line.text.length;
    while (from <= end) {
        let to = line.text.indexOf("|", from);
        to = to < 0 || to > end ? end : to;
        const cell = { text: line.text.slice(from, to), from: line.from + from };
        made.push({ ...strip(cell, indent(cell)), text: cell.text.trim() });
        from = to + 1;
    }
    return made;
}

function table(lines, first, parent, make) {
    const box = add(parent, "div");
    box.className = "wide";
    const body = add(box, "table");
    let i = first;
    for (; i < lines.length && lines[i].text.includes("|"); i++) {
        if (i !== first + 1) {
            const row = add(body, "tr");
            for (const cell of cells(strip(lines[i], indent(lines[i])))) {
                inline([cell], add(row, i === first ? "th" : "td"), make);
            }
        }
    }
    return i;
}

// ---- words -----------------------------------------------------------------------------------

function inline(lines, parent, make) {
    let text = "";
    const places = []; // of each letter in the source
    lines.forEach((line, number) => {
        if (number) {
            text += "\n";
            places.push(line.from - 1);
        }
        text += line.text;
        for (let i = 0; i < line.text.length; i++) {
            places.push(line.from + i);
        }
    });
    words({ text, places, make, unclosed: new Set() }, 0, text.length, parent, 0);
}

// The letters from..to, in runs that are such in the source too.
function letters(all, from, to, parent) {
    for (let i = from; i < to;) {
        let end = i + 1;
        while (end < to && all.places[end] === all.places[end - 1] + 1) {
            end++;
        }
        parent.append(all.make(all.places[i], all.places[end - 1] + 1));
        i = end;
    }
}

function words(all, from, to, parent, depth) {
    let plain = from;
    for (let i = from; i < to;) {
        const found = depth < MAX_DEPTH ? element(all, i, to) : null;
        if (!found) {
            i++;
            continue;
        }
        letters(all, plain, i, parent);
        if (found.name) {
            const made = add(parent, found.name);
            if (found.href) {
                made.href = found.href;
                made.rel = "noopener noreferrer";
                made.target = "_blank";
            }
            (found.raw ? letters : words)(all, found.from, found.to, made, depth + 1);
        } else {
            letters(all, found.from, found.to, parent);
        }
        plain = i = found.end;
    }
    letters(all, plain, to, parent);
}

// What begins at i: {name, from, to, end}, or null. raw: there is no markup inside.
function element(all, i, to) {
    const text = all.text, c = text[i];
    if (c === "\\" && i + 1 < to && /[!-/:-@[-`{-~]/.test(text[i + 1])) {
        return { from: i + 1, to: i + 2, end: i + 2 };
    }
    if (c === "`") {
        return code(all, i, to);
    }
    if (c === "*" || c === "_" || c === "~") {
        return emphasis(all, i, to);
    }
    if (c === "\n" && i > 1 && text.slice(i - 2, i) === "  ") {
        return { name: "br", from: i, to: i, end: i + 1, raw: true };
    }
    return c === "[" || c === "!" || c === "h" ? link(text, i, to) : null;
}

function code(all, i, to) {
    let length = 1;
    while (i + length < to && all.text[i + length] === "`") {
        length++;
    }
    if (all.unclosed.has(length)) {
        return { from: i, to: i + length, end: i + length };
    }
    for (let at = i + length; at < to;) {
        const start = all.text.indexOf("`", at);
        if (start < 0 || start >= to) {
            break;
        }
        at = start;
        while (at < to && all.text[at] === "`") {
            at++;
        }
        if (at - start === length) {
            return { name: "code", from: i + length, to: start, end: at, raw: true };
        }
    }
    all.unclosed.add(length);
    return { from: i, to: i + length, end: i + length };
}

function emphasis(all, i, to) {
    const text = all.text, c = text[i], double = text[i + 1] === c;
    if (c === "~" && !double) {
        return null;
    }
    const mark = double ? c + c : c, from = i + mark.length, key = mark + to;
    const inWord = c === "_" && i > 0 && /[\p{L}\p{N}]/u.test(text[i - 1]);
    if (inWord || from >= to || /\s/.test(text[from]) || all.unclosed.has(key)) {
        return null;
    }
    for (let at = text.indexOf(mark, from + 1); at > 0 && at + mark.length <= to; at = text.indexOf(mark, at + 1)) {
        const next = text[at + mark.length];
        const other = !double && (next === c || text[at - 1] === c); // a part of a double mark
        const goesOn = c === "_" && next !== undefined && /[\p{L}\p{N}]/u.test(next);
        if (!other && !goesOn && !/\s/.test(text[at - 1])) {
            return { name: c === "~" ? "del" : double ? "strong" : "em", from, to: at, end: at + mark.length };
        }
    }
    all.unclosed.add(key);
    return null;
}

function safe(href) {
    try {
        const url = new URL(href);
        return ["http:", "https:", "mailto:"].includes(url.protocol) ? url.href : null;
    } catch {
        return null;
    }
}

function link(text, i, to) {
    if (text[i] === "h") {
        BARE_LINK.lastIndex = i;
        const found = i > 0 && /\w/.test(text[i - 1]) ? null : BARE_LINK.exec(text);
        const shown = found && found[0].replace(/[.,;:!?)\]*_]{1,9}$/, "");
        const href = shown && i + shown.length <= to && safe(shown);
        return href ? { name: "a", href, from: i, to: i + shown.length, end: i + shown.length, raw: true } : null;
    }
    const skip = text[i] === "!" ? 1 : 0; // pictures would be fetched from elsewhere: they are links
    LINK.lastIndex = i + skip;
    const found = LINK.exec(text), end = found ? i + skip + found[0].length : 0;
    const href = found && end <= to && safe(found[2]);
    return href ? { name: "a", href, from: i + skip + 1, to: i + skip + 1 + found[1].length, end, raw: true } : null;
}
