internal import CPcap

/// What a packet's first bytes are (Ethernet, "Linux cooked" …), as libpcap numbers and names it.
///
/// The numbers are the DLT_ values of pcap-linktype(7), which are local to a system; the value in a
/// file's header is `PcapHeader.fileLinkType`.
package struct LinkType: RawRepresentable, Sendable, Hashable {
  /// The DLT_ number.
  package let rawValue: Int32

  /// Wraps a DLT_ number, known to this libpcap or not.
  package init(rawValue: Int32) { self.rawValue = rawValue }

  /// Ethernet, which the interfaces of pods have (DLT_EN10MB).
  package static let ethernet = LinkType(rawValue: DLT_EN10MB)
  /// No link layer: packets begin with their IP header (DLT_RAW), as on tunnels.
  package static let raw = LinkType(rawValue: DLT_RAW)
  /// Linux "cooked" capture, version 1 (DLT_LINUX_SLL): `any` on old systems.
  package static let linuxCooked = LinkType(rawValue: DLT_LINUX_SLL)
  /// Linux "cooked" capture, version 2 (DLT_LINUX_SLL2): `any` with libpcap 1.10 and newer.
  package static let linuxCooked2 = LinkType(rawValue: 276)

  /// The link type of that name, without regard to case: `EN10MB`, also written `DLT_EN10MB`.
  package init?(name: String) {
    let bare = name.uppercased().hasPrefix("DLT_") ? String(name.dropFirst(4)) : name
    guard !bare.utf8.contains(0) else { return nil }
    let value = pcap_datalink_name_to_val(bare)
    guard value >= 0 else { return nil }
    self.init(rawValue: value)
  }

  /// libpcap's name ("EN10MB"), or the number where it has none.
  package var name: String {
    guard let name = pcap_datalink_val_to_name(rawValue) else { return "DLT \(rawValue)" }
    return String(cString: name)
  }

  /// libpcap's description ("Ethernet"), or the name where it has none.
  package var description: String {
    guard let text = pcap_datalink_val_to_description(rawValue) else { return name }
    return String(cString: text)
  }

  /// Whether this libpcap has a name for it.
  package var isKnown: Bool { pcap_datalink_val_to_name(rawValue) != nil }

  /// What tcpdump delivers for an interface of that name: cooked version 2 for `any`, or version 1
  /// where this libpcap is too old for filters on version 2; Ethernet for all others.
  package static func expected(onInterface name: String) -> LinkType {
    guard name == "any" else { return .ethernet }
    return linuxCooked2.isKnown ? .linuxCooked2 : .linuxCooked
  }
}
