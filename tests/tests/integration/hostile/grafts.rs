//! Components of our own with a module grafted onto them that keeps the compiler busy, or fills the host's memory when it is
//! instantiated. They are written byte by byte (WebAssembly specification, "Binary Format"; component model, Binary.md).

/// Appends to a component: a core module, and so many instances of it, the first module that it has of its own being `index`.
pub(crate) fn graft(component: &[u8], module: &[u8], instances: usize) -> Vec<u8> {
    let mut bytes = component.to_vec();
    let index = count_modules(component);
    bytes.extend(section(1, module));
    if instances > 0 {
        let mut all = number(instances);
        for _ in 0..instances {
            all.push(0);
            all.extend(number(index));
            all.push(0);
        }
        bytes.extend(section(2, &all));
    }
    bytes
}

/// A module with one function of blocks within blocks, each of which can go on in every other with every local another value:
/// what the compiler keeps in mind grows with the third power.
pub(crate) fn compile_bomb(size: usize) -> Vec<u8> {
    let mut code = vec![1];
    code.extend(number(size));
    code.push(0x7e);
    code.extend((0..size).flat_map(|_| [0x02, 0x40]));
    for block in 0..size {
        code.extend([0x20, 0, 0x0e]);
        code.extend(number(size - 1 - block));
        code.extend((0..size - block).flat_map(number));
        code.push(0x0b);
        // local = local + another one
        let mine = number(block + 1);
        let other = number((block * 7 + 3) % size + 1);
        code.push(0x20);
        code.extend(&mine);
        code.push(0x20);
        code.extend(other);
        code.extend([0x7c, 0x21]);
        code.extend(mine);
    }
    code.push(0x0b);
    let mut module = header();
    module.extend(section(1, &[1, 0x60, 1, 0x7f, 0]));
    module.extend(section(3, &[1, 0]));
    let body = [number(code.len()), code].concat();
    module.extend(section(10, &[vec![1], body].concat()));
    module
}

/// A module with so many globals.
pub(crate) fn globals(count: usize) -> Vec<u8> {
    let mut all = number(count);
    all.extend((0..count).flat_map(|_| [0x7e, 1, 0x42, 0, 0x0b]));
    [header(), section(6, &all)].concat()
}

/// A module with so many functions, each of which can be referred to.
pub(crate) fn functions(count: usize) -> Vec<u8> {
    let types = section(1, &[1, 0x60, 0, 0]);
    let all = [number(count), vec![0; count]].concat();
    let indices: Vec<u8> = (0..count).flat_map(number).collect();
    let declared = [vec![1, 3, 0], number(count), indices].concat();
    let bodies: Vec<u8> = (0..count).flat_map(|_| [2, 0, 0x0b]).collect();
    [
        header(),
        types,
        section(3, &all),
        section(9, &declared),
        section(10, &[number(count), bodies].concat()),
    ]
    .concat()
}

/// A module with so many tables of one element.
pub(crate) fn tables(count: usize) -> Vec<u8> {
    let all: Vec<u8> = (0..count).flat_map(|_| [0x70, 0, 1]).collect();
    [header(), section(4, &[number(count), all].concat())].concat()
}

fn header() -> Vec<u8> {
    b"\0asm\x01\0\0\0".to_vec()
}

fn section(id: u8, content: &[u8]) -> Vec<u8> {
    [vec![id], number(content.len()), content.to_vec()].concat()
}

/// An unsigned number, LEB128.
fn number(number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = number;
    loop {
        let low = (rest & 0x7f) as u8;
        rest >>= 7;
        if rest == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

/// Counts the core modules that a component has, by its sections.
fn count_modules(component: &[u8]) -> usize {
    let mut at = 8;
    let mut count = 0;
    while at < component.len() {
        count += usize::from(component[at] == 1);
        at += 1;
        let (mut size, mut shift) = (0_usize, 0);
        loop {
            let byte = component[at];
            at += 1;
            size |= usize::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                break;
            }
        }
        at += size;
    }
    count
}
